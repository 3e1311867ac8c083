import type { Clock } from '../base/clock.ts';
import { KgetError, toFailure, type Failure } from '../base/error.ts';
import type { AgentLauncher, CoordinatorChannel } from '../control/channel.ts';
import type { AgentMessage, Configuration, CoordinatorMessage } from '../control/messages.ts';
import { conversation } from './conversation.ts';

/**
 * So many pings in a row without a word, spread over the limit, and an agent is lost. After this
 * process was held up only one look comes before the answers that have long arrived.
 */
const LOOKS = 4;
/** An agent that was told to leave gets this long to stop its transfers and clean up. */
const LEAVE_LIMIT_MS = 15_000;
/** How long the end of its channel is waited for then: see `EXIT_GRACE_MS` in control. */
const END_LIMIT_MS = 10_000;

export interface CrewOptions {
  readonly launch: AgentLauncher['launch'];
  readonly clock: Clock;
  /** How long the agent of `node` may say nothing. */
  silenceMs(node: string): number;
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
  /**
   * Gives up on agents that still start, and has all others leave; resolves when their channels
   * have ended, or their time is up.
   */
  disband(options: { emptySpools: boolean }): Promise<void>;
}

interface Member {
  readonly channel: CoordinatorChannel;
  readonly address: string;
  /** Aborted when the channel has ended. */
  readonly gone: AbortController;
  /** Looks since it was heard. */
  quietLooks: number;
  leaving: boolean;
}

export function createCrew(options: CrewOptions): Crew {
  const { clock } = options;
  const members = new Map<string, Member>();
  const starting = new AbortController();
  const launches = new Set<Promise<void>>();

  async function start(node: string): Promise<void> {
    const launching = options.launch(node, starting.signal);
    try {
      const [launched, configuration] = await Promise.all([launching, options.configuration(node)]);
      const member = enlist(node, launched.channel, launched.address);
      member.channel.send(configuration);
      void keepInTouch(node, member);
    } catch (error) {
      // An agent that nobody can configure must not stay.
      void launching.then(
        ({ channel }) => channel.close(),
        () => {},
      );
      options.onLost(node, toFailure(error));
    }
  }

  function enlist(node: string, channel: CoordinatorChannel, address: string): Member {
    const gone = new AbortController();
    const member: Member = { channel, address, gone, quietLooks: 0, leaving: false };
    const talk = conversation(node);
    members.set(node, member);
    channel.onEnd((failure) => {
      // It may have been asked back already.
      if (members.get(node) === member) members.delete(node);
      gone.abort();
      if (!member.leaving) options.onLost(node, failure ?? endedByItself(node));
    });
    channel.onMessage((message) => {
      member.quietLooks = 0;
      if (message.type === 'left') channel.close();
      else if (message.type !== 'pong') hear(message);
    });

    /** An agent that says what must not come now is not listened to any more. */
    function hear(message: AgentMessage): void {
      const failure = talk.take(message);
      if (failure === undefined) options.onMessage(node, message);
      else lose(node, member, failure);
    }
    return member;
  }

  async function keepInTouch(node: string, member: Member): Promise<void> {
    const limitMs = options.silenceMs(node);
    while (!member.gone.signal.aborted) {
      member.channel.send({ type: 'ping' });
      await clock.sleep(limitMs / LOOKS, member.gone.signal);
      member.quietLooks += 1;
      if (member.quietLooks === LOOKS) return lose(node, member, silence(node, limitMs));
    }
  }

  /** Does not wait for the end of its channel, which may take a while. */
  function lose(node: string, member: Member, failure: Failure): void {
    if (!member.leaving) options.onLost(node, failure);
    member.leaving = true;
    // Should it hear us yet: the run goes on without it, and what is in its spool stays.
    member.channel.send({ type: 'leave', emptySpool: false });
    member.channel.close();
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
      const all = [...members];
      await Promise.all(all.map(([node]) => leave(node, { emptySpool: emptySpools })));
      await Promise.all(all.map(([, { gone }]) => clock.sleep(END_LIMIT_MS, gone.signal)));
      // Nothing of what has not ended is listened to any more.
      for (const [, { gone }] of all) gone.abort();
    },
  };
}

function endedByItself(node: string): Failure {
  return { code: 'disconnected', message: `The agent on ${node} ended without being told to` };
}

function silence(node: string, limitMs: number): Failure {
  const found = `it has said nothing for ${limitMs / 1000} s`;
  return { code: 'timeout', message: `The agent on ${node} is lost: ${found}` };
}
