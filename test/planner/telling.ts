import { createPlanner } from '../../src/planner/planner.ts';
import {
  FRONTEND,
  type Blame,
  type Planner,
  type PlannerEvent,
  type PlannerOptions,
} from '../../src/planner/types.ts';

// Events and answers of the planner in short. Rates are in links of the frontend.

/** One copy, one sender, two tries, the least mean. */
export const OPTIONS: PlannerOptions = {
  objective: { kind: 'mean' },
  senders: 1,
  maxHops: 4,
  maxAttempts: 2,
  copies: 1,
  frontendBytesPerSecond: 1,
};

/** A planner whose options are these, or else usual ones. */
export function plannerWith(options: Partial<PlannerOptions> = {}): Planner {
  return createPlanner({ ...OPTIONS, ...options });
}

/** A node that joins; it has a link like the frontend's. */
export interface Joining {
  /** Of each of its images; one of 1 byte by default. */
  readonly sizes?: readonly number[];
  readonly roomBytes?: number;
  readonly up?: number;
  readonly down?: number;
  readonly rack?: string;
  readonly weight?: number;
  readonly deadline?: number;
  /** Common chunks of all its images, as many as there are hashes. */
  readonly chunks?: readonly number[];
}

/** The node has joined and named its images: `a:1`, `a:2` and so on. */
export function present(node: string, joining: Joining = {}): PlannerEvent[] {
  return [...joined(node, joining), { type: 'listed', node }];
}

/** The node has joined and named images, but perhaps not all. */
export function joined(node: string, joining: Joining = {}): PlannerEvent[] {
  const { sizes = [1], roomBytes = 99, up = 1, down = 1, chunks } = joining;
  const { rack, weight, deadline } = joining;
  const link = { upBytesPerSecond: up, downBytesPerSecond: down };
  const events: PlannerEvent[] = [
    {
      type: 'joined',
      node,
      roomBytes,
      link,
      ...(rack === undefined ? {} : { rack }),
      ...(weight === undefined ? {} : { weight }),
      ...(deadline === undefined ? {} : { deadline }),
    },
  ];
  for (const [place, bytes] of sizes.entries()) {
    const image = `${node}:${place + 1}`;
    events.push({ type: 'held', node, image, bytes });
    if (chunks !== undefined) events.push(sketched(image, chunks));
  }
  return events;
}

/** The image consists of these chunks. */
export function sketched(image: string, chunks: readonly number[]): PlannerEvent {
  return { type: 'sketched', image, sketch: { chunks: chunks.length, hashes: chunks } };
}

/** An uplink with this rate in both directions. */
export function rackOf(rack: string, rate: number): PlannerEvent {
  return { type: 'rack', rack, upBytesPerSecond: rate, downBytesPerSecond: rate };
}

export function arrived(transfer: string, bytesPerSecond?: number): PlannerEvent {
  const rate = bytesPerSecond === undefined ? {} : { bytesPerSecond };
  return { type: 'arrived', transfer, ...rate };
}

export function durable(transfer: string): PlannerEvent {
  return { type: 'durable', transfer };
}

export function failed(transfer: string, blame: Blame): PlannerEvent {
  return { type: 'failed', transfer, blame };
}

/** All answers to the events, in short. */
export function said(planner: Planner, ...events: readonly PlannerEvent[]): string[] {
  const commands = events.flatMap((event) => planner.handle(event));
  return commands.map((command) => {
    if (command.type === 'release') return `release ${command.node}`;
    if (command.type === 'give-up') return `give-up ${command.image} ${command.reason}`;
    const to = command.to === FRONTEND ? 'frontend' : command.to;
    return `${command.transfer} ${command.image} ${command.from}>${to}`;
  });
}

/** The same for events of one moment: what matters is only what goes from where to where. */
export function ways(planner: Planner, ...events: readonly PlannerEvent[]): string[] {
  return said(planner, ...events).map((one) => one.replace(/^t\d+ /u, ''));
}

/** Numbers from `first` on, as chunks. */
export function numbers(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, place) => first + place);
}
