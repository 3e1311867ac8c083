import type { Clock } from '../base/clock.ts';
import { KgetError, toFailure, type Failure } from '../base/error.ts';
import type { AgentLauncher, CoordinatorChannel } from '../control/channel.ts';
import type { AgentMessage, Configuration, CoordinatorMessage } from '../control/messages.ts';

/** How often each agent hears from us: an agent that hears nothing for long leaves by itself. */
const PING_INTERVAL_MS = 10_000;
/** An agent that has said nothing for this long is lost. */
const SILENCE_LIMIT_MS = 60_000;
/** An agent that was told to leave gets this long to stop its transfers and clean up. */
const LEAVE_LIMIT_MS = 15_000;

export interface CrewOptions {
  readonly launch: AgentLauncher['launch'];
  readonly clock: Clock;
  /** What the agent of `node` is told first. */
  configuration(node: string): Promise<Configuration>;
  onMessage(node: string, message: AgentMessage): void;
  /**
   * The agent ended without having been told to, or never started. Called once per started agent.
   */
  onLost(node: string, failure: Failure): void;
}

/** The run's agents: starts them, speaks to them, notices when one is gone. */
export interface Crew {
  /** Starts the agent of `node`; its fate comes through `onMessage` and `onLost`. */
  start(node: string): void;
  send(node: string, message: CoordinatorMessage): void;
  addressOf(node: string): string;
  /** Tells an agent to leave; resolves when it has left or its time is up. */
  leave(node: string, options: { emptySpool: boolean }): Promise<void>;
  /** Gives up on agents that still start, and has all others leave. */
  disband(options: { emptySpools: boolean }): Promise<void>;
}

interface Member {
  readonly channel: CoordinatorChannel;
  readonly address: string;
  /** Aborted when the channel has ended. */
  readonly gone: AbortController;
  heardMs: number;
  leaving: boolean;
}

export function createCrew(options: CrewOptions): Crew {
  const { clock } = options;
  const members = new Map<string, Member>();
  const starting = new AbortController();
  const launches = new Set<Promise<void>>();

  async function start(node: string): Promise<void> {
    try {
      const [launched, configuration] = await Promise.all([
        options.launch(node, starting.signal),
        options.configuration(node),
      ]);
      const member = enlist(node, launched.channel, launched.address);
      member.channel.send(configuration);
      void keepInTouch(member);
    } catch (error) {
      options.onLost(node, toFailure(error));
    }
  }

  function enlist(node: string, channel: CoordinatorChannel, address: string): Member {
    const gone = new AbortController();
    const member: Member = { channel, address, gone, heardMs: clock.nowMs(), leaving: false };
    members.set(node, member);
    channel.onEnd((failure) => {
      members.delete(node);
      gone.abort();
      if (!member.leaving) options.onLost(node, failure ?? endedByItself(node));
    });
    channel.onMessage((message) => {
      member.heardMs = clock.nowMs();
      if (message.type === 'left') channel.close();
      else if (message.type !== 'pong') options.onMessage(node, message);
    });
    return member;
  }

  async function keepInTouch(member: Member): Promise<void> {
    while (!member.gone.signal.aborted) {
      member.channel.send({ type: 'ping' });
      await clock.sleep(PING_INTERVAL_MS, member.gone.signal);
      if (clock.nowMs() - member.heardMs > SILENCE_LIMIT_MS) member.channel.close();
    }
  }

  async function leave(node: string, { emptySpool }: { emptySpool: boolean }): Promise<void> {
    const member = members.get(node);
    if (member === undefined) return;
    member.leaving = true;
    member.channel.send({ type: 'leave', emptySpool });
    await clock.sleep(LEAVE_LIMIT_MS, member.gone.signal);
    member.channel.close();
  }

  return {
    start(node) {
      const work = start(node);
      launches.add(work);
      void work.finally(() => launches.delete(work));
    },
    send(node, message) {
      members.get(node)?.channel.send(message);
    },
    addressOf(node) {
      return members.get(node)?.address ?? node;
    },
    leave,
    async disband({ emptySpools }) {
      starting.abort(new KgetError('cancelled', 'the run is over'));
      await Promise.all(launches);
      const nodes = [...members.keys()];
      await Promise.all(nodes.map((node) => leave(node, { emptySpool: emptySpools })));
    },
  };
}

function endedByItself(node: string): Failure {
  return { code: 'disconnected', message: `The agent on ${node} ended without being told to` };
}
