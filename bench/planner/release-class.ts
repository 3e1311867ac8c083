import type { FlowGroup } from './flow-group.ts';
import type { LinearProgram, Term } from './linear-program.ts';
import type { Slot } from './time-grid.ts';

/** What crosses links in one slot, to be summed over all classes. */
export interface SlotFlows {
  /** Sent less received. */
  readonly amongPeers: Term[];
  readonly toFrontend: Term[];
}

/** The nodes of a group that are released in one slot; see `meanReleaseBound`. */
export interface ReleaseClass {
  readonly group: FlowGroup;
  /** Variables: how many nodes, and what they held at the start. */
  readonly nodes: number;
  readonly bytes: number;
  /** Variable: how long they are there in the last slot; undefined if they are not released. */
  readonly lastSeconds: number | undefined;
  /** The slots in which they take part. */
  readonly slots: readonly Slot[];
  readonly flows: readonly SlotFlows[];
}

/** What a class holds at some moment: variables, absent if certainly nothing. */
interface Held {
  readonly own: number;
  readonly foreign: number | undefined;
}

/** Adds what a class sends, receives and holds, slot by slot. */
export function addReleaseClass(program: LinearProgram, of: ReleaseClass): void {
  const { group, nodes, bytes, lastSeconds, slots, flows } = of;
  boundMeanLoad(program, of);
  let held: Held = { own: bytes, foreign: undefined };
  for (const [place, { length }] of slots.entries()) {
    const isLast = lastSeconds !== undefined && place === slots.length - 1;
    const [present, seconds] = isLast ? [lastSeconds, 1] : [nodes, length];
    const toPeers = program.variable();
    const toFrontend = program.variable();
    const received = program.variable();
    const sent = [
      [toPeers, 1],
      [toFrontend, 1],
    ] as const;
    if (Number.isFinite(group.sendRate)) {
      program.constrain([...sent, [present, -group.sendRate * seconds]], { most: 0 });
    }
    program.constrain(
      [
        [received, 1],
        [present, -group.downRate * seconds],
      ],
      { most: 0 },
    );
    flows[place]?.amongPeers.push([toPeers, 1], [received, -1]);
    flows[place]?.toFrontend.push([toFrontend, 1]);
    held = hold(program, { held, sent, received, isLast, of });
  }
}

/** No node of the class held less than the least of its group, or more than the most. */
function boundMeanLoad(program: LinearProgram, { group, nodes, bytes }: ReleaseClass): void {
  const [least = 0, most = 0] = [group.loads[0], group.loads.at(-1)];
  program.constrain(
    [
      [bytes, 1],
      [nodes, -least],
    ],
    { least: 0 },
  );
  program.constrain(
    [
      [bytes, 1],
      [nodes, -most],
    ],
    { most: 0 },
  );
}

interface Step {
  readonly held: Held;
  readonly sent: readonly Term[];
  readonly received: number;
  readonly isLast: boolean;
  readonly of: ReleaseClass;
}

/** What is held after a slot. Where there is always room, own and foreign bytes are one. */
function hold(program: LinearProgram, { held, sent, received, isLast, of }: Step): Held {
  const after = (): number => program.variable(isLast ? { most: 0 } : {});
  const own = after();
  if (!Number.isFinite(of.group.room)) {
    program.balance([[own, 1], [held.own, -1], [received, -1], ...sent]);
    return { own, foreign: undefined };
  }
  const ownSent = program.variable();
  const foreign = after();
  const foreignBefore: Term[] = held.foreign === undefined ? [] : [[held.foreign, -1]];
  program.balance([
    [own, 1],
    [held.own, -1],
    [ownSent, 1],
  ]);
  program.constrain([...sent, [ownSent, -1]], { least: 0 });
  program.balance([[foreign, 1], ...foreignBefore, [received, -1], ...sent, [ownSent, -1]]);
  program.constrain(
    [
      [foreign, 1],
      [of.nodes, -of.group.room],
    ],
    { most: 0 },
  );
  return { own, foreign };
}
