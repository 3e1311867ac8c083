import type { Dice } from '../../fuzz/dice.ts';
import { toFailure, type Failure } from '../../src/base/error.ts';
import type { Channel } from '../../src/control/channel.ts';
import {
  decodeMessage,
  encodeMessage,
  type MessageSchema,
} from '../../src/control/message-lines.ts';
import {
  type AgentMessage,
  agentMessage,
  type CoordinatorMessage,
  coordinatorMessage,
} from '../../src/control/messages.ts';
import { beforeEffect, post, type Process } from './process.ts';

/** What goes wrong on control channels; of 1000 messages so many. */
export interface ChannelFaults {
  readonly dropPerMille: number;
  readonly duplicatePerMille: number;
  readonly reorderPerMille: number;
}

/** As ssh and pipes are. */
export const NO_FAULTS: ChannelFaults = {
  dropPerMille: 0,
  duplicatePerMille: 0,
  reorderPerMille: 0,
};

/** How an end of a connection is told that the process at the other one has ended. */
const GONE: Failure = { code: 'disconnected', message: 'The simulated process went away' };

/** How long a message may take: there may be a remote shell in between. */
const MOST_DELAY_MS = 3;

/** A delay by which a message overtakes others. */
const REORDER_MS = 50;

/** One end of a connection: a process, and what it may be sent. */
export interface End<In> {
  readonly process: Process;
  readonly hears: MessageSchema<In>;
  /** Its input just ends when the other process does: it is not told why. */
  readonly isBlind: boolean;
}

export interface Connection<Left, Right> {
  readonly left: Channel<Right, Left>;
  readonly right: Channel<Left, Right>;
  /** The connection breaks: each side is told, if it can be reached. */
  cut(): void;
}

/**
 * Joins two processes. Messages go through the encoding and the checks of the wire, take time, and
 * come in order, unless `faults` say otherwise. Each end learns of the other's end; of a host that
 * lost its power, or is cut off, it learns nothing.
 */
export function joinProcesses<Left, Right>(
  left: End<Left>,
  right: End<Right>,
  faults: ChannelFaults,
): Connection<Left, Right> {
  const leftSide = side<Left, Right>(left, right.process, faults);
  const rightSide = side<Right, Left>(right, left.process, faults);
  leftSide.other = rightSide;
  rightSide.other = leftSide;
  let isCut = false;
  return {
    left: leftSide.channel,
    right: rightSide.channel,
    cut() {
      if (isCut) return;
      isCut = true;
      for (const broken of [leftSide, rightSide]) broken.end(GONE);
    },
  };
}

/** An ssh connection between the coordinator and an agent, or a pipe on one host. */
export type ControlLink = Connection<AgentMessage, CoordinatorMessage>;

/** The coordinator is at the left end. */
export function controlLink(
  coordinator: Process,
  agent: Process,
  faults: ChannelFaults,
): ControlLink {
  return joinProcesses(
    { process: coordinator, hears: agentMessage, isBlind: false },
    { process: agent, hears: coordinatorMessage, isBlind: true },
    faults,
  );
}

interface Side<In, Out> {
  readonly channel: Channel<Out, In>;
  other: Side<Out, In> | undefined;
  arrive(line: Buffer): void;
  end(failure: Failure | undefined): void;
}

function side<In, Out>(
  { process: own, hears: schema, isBlind }: End<In>,
  far: Process,
  faults: ChannelFaults,
): Side<In, Out> {
  const { network, timeline, dice } = own.machine;
  const arrived: Buffer[] = [];
  let onMessage: ((message: In) => void) | undefined;
  let onEnd: ((failure?: Failure) => void) | undefined;
  let ended: { readonly failure: Failure | undefined } | undefined;
  let isOver = false;
  let lastMs = 0;
  let isTelling = false;

  function deliver(): void {
    if (onMessage === undefined) return;
    for (let line = arrived.shift(); line !== undefined; line = arrived.shift()) {
      if (isOver) return;
      let message: In;
      try {
        message = decodeMessage(line.toString('utf8'), { schema, peer: far.name });
      } catch (error) {
        result.end(toFailure(error));
        return;
      }
      onMessage(message);
    }
    if (ended !== undefined && !isOver) {
      isOver = true;
      onEnd?.(ended.failure);
    }
  }

  /** Carries something to the other side behind what went before. */
  function carry(action: (other: Side<Out, In>) => void, isOrdered = true): void {
    const delayMs = (dice.below(1000) / 1000) * MOST_DELAY_MS;
    const nowMs = timeline.nowMs();
    const atMs = isOrdered ? Math.max(lastMs, nowMs + delayMs) : nowMs + delayMs + REORDER_MS;
    if (isOrdered) lastMs = atMs;
    timeline.after(atMs - nowMs, () => {
      network.whenOpen(own.host, far.host, () => {
        const { other } = result;
        if (other === undefined) return;
        if (far.state === 'running') post(far, 0, () => action(other));
        // Its host is up again, and knows nothing of this connection.
        else if (own.state === 'running') post(own, 0, () => result.end(GONE));
      });
    });
  }

  /** This end closes, or is gone: the other one learns it behind what is on its way. */
  function tellOther(failure: Failure | undefined): void {
    if (isTelling) return;
    isTelling = true;
    carry((other) => other.end(failure));
  }
  own.onEnd.add((how) => {
    if (how !== 'power' || own.host === far.host) tellOther(how === 'exit' ? undefined : GONE);
  });

  const result: Side<In, Out> = {
    other: undefined,
    channel: {
      send(message) {
        if (own.state === 'dead' || isOver || ended !== undefined) return;
        beforeEffect('message');
        const line = encodeMessage(message);
        if (isFaulty(dice, faults.dropPerMille)) return;
        carry((other) => other.arrive(line), !isFaulty(dice, faults.reorderPerMille));
        if (isFaulty(dice, faults.duplicatePerMille)) carry((other) => other.arrive(line));
      },
      onMessage(listener) {
        onMessage = listener;
        post(own, 0, deliver);
      },
      onEnd(listener) {
        onEnd = listener;
        post(own, 0, deliver);
      },
      close() {
        if (isOver || ended !== undefined) return;
        tellOther(undefined);
        result.end(undefined);
      },
    },
    arrive(line) {
      arrived.push(line);
      deliver();
    },
    end(failure) {
      if (ended !== undefined) return;
      ended = { failure: isBlind ? undefined : failure };
      if (own.state === 'running') post(own, 0, deliver);
    },
  };
  return result;
}

function isFaulty(dice: Dice, perMille: number): boolean {
  return dice.below(1000) < perMille;
}
