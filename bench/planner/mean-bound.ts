import type { Highs } from 'highs';
import { flowGroups, type FlowGroup } from './flow-group.ts';
import { totalWeight, type FluidCluster } from './fluid-cluster.ts';
import { createLinearProgram, type LinearProgram, type Term } from './linear-program.ts';
import { keepAboveLeastLoads } from './load-cuts.ts';
import { mostReleased } from './release-count.ts';
import { addReleaseClass, type SlotFlows } from './release-class.ts';
import { slotsOf, type Slot, type TimeGrid } from './time-grid.ts';

/** So much before a moment that rounding whole numbers of nodes and images does not reach it. */
const JUST_BEFORE = 1 - 1e-5;

/** What rounding may leave of a time. */
const TOLERANCE = 1e-9;

/**
 * No schedule that moves whole images has a lesser mean release time, in seconds and by weight: the
 * optimum of a linear program that every schedule satisfies, on any grid of slots.
 *
 * Take any schedule, and of each byte the transfers that brought it to the frontend in the end. A
 * *class* is what nodes of one group are released in one slot; one more class is released after the
 * grid, or never. The variables are, for each class, how many nodes it has and what they held; for
 * each slot until its own, what they sent to peers and to the frontend, and received. They are sums
 * over the nodes of the class, so these hold:
 *
 * - a link carries no more than its rate times the time that its node is there: whole slots, and in
 *   the last one a part, which is a variable, since each node goes at a moment of its own;
 * - at the end of each slot a class holds at least nothing, at its release nothing, and of foreign
 *   bytes at most its room (its own images are not deleted, so sending them makes no room);
 * - in each slot peers receive what peers send, and the frontend no more than its link carries;
 * - so many nodes of a group held no less than as many of its least loaded; and no node goes before
 *   its own link could carry what it held;
 * - at the end of a slot no more are released than `mostReleased`, and those that exceed what can be
 *   released just before its end are there until then.
 *
 * A class costs the start of its slot for each node, and the part of the slot that they are there,
 * each by its weight; nodes of different weights are in different groups. What is asked of copies is
 * in the terms of `flowGroups`, what families share only in the moment of the last release.
 * That nodes are whole in a class, how many send at once, when images are complete, and limits on
 * hops are disregarded. A grid that has the moments of another one and more gives no lesser bound.
 */
export function meanReleaseBound(highs: Highs, cluster: FluidCluster, grid: TimeGrid): number {
  const program = createLinearProgram(highs);
  const slots = slotsOf(grid);
  const flows = slots.map((): SlotFlows => ({ amongPeers: [], toFrontend: [] }));
  const groups = flowGroups(cluster).map((group) => addGroup(program, { group, slots, flows }));
  for (const [place, slot] of slots.entries()) {
    const { amongPeers = [], toFrontend = [] } = flows[place] ?? {};
    program.balance(amongPeers);
    program.constrain(toFrontend, { most: cluster.frontendRate * slot.length });
    const released = groups.map((sums): Term => [sums[place]?.count ?? 0, 1]);
    const present = groups.map((sums): Term => [sums[place]?.seconds ?? 0, 1]);
    program.constrain(released, { most: mostReleased(highs, cluster, slot.end) });
    const early = slot.end * JUST_BEFORE;
    const seconds = Math.max(0, early - slot.start);
    const late = released.map(([variable]): Term => [variable, -seconds]);
    const least = -seconds * mostReleased(highs, cluster, early);
    program.constrain([...present, ...late], { least });
  }
  return program.minimum() / totalWeight(cluster);
}

/** Variables: nodes of a group released by the end of a slot, and how long those of it are there. */
interface SlotSums {
  readonly count: number;
  readonly seconds: number;
}

interface Placement {
  readonly group: FlowGroup;
  readonly slots: readonly Slot[];
  readonly flows: readonly SlotFlows[];
}

/** Adds all classes of a group. */
function addGroup(program: LinearProgram, { group, slots, flows }: Placement): SlotSums[] {
  const { loads, weight } = group;
  const all = loads.length;
  const total = loads.reduce((sum, load) => sum + load, 0);
  let count = program.variable({ most: 0 });
  let load = program.variable({ most: 0 });
  const sums = slots.map((slot, place): SlotSums => {
    const able = loads.filter((one) => one <= group.upRate * slot.end * (1 + TOLERANCE)).length;
    const [countBefore, loadBefore] = [count, load];
    count = program.variable({ most: able });
    load = program.variable({ most: total });
    keepAboveLeastLoads(program, { count, load, loads });
    const nodes = program.variable({ cost: weight * slot.start });
    const bytes = program.variable();
    const seconds = program.variable({ cost: weight });
    program.balance([
      [count, 1],
      [countBefore, -1],
      [nodes, -1],
    ]);
    program.balance([
      [load, 1],
      [loadBefore, -1],
      [bytes, -1],
    ]);
    program.constrain(
      [
        [seconds, 1],
        [nodes, -slot.length],
      ],
      { most: 0 },
    );
    const lived = slots.slice(0, place + 1);
    addReleaseClass(program, { group, nodes, bytes, lastSeconds: seconds, slots: lived, flows });
    return { count, seconds };
  });
  const nodes = program.variable({ cost: weight * (slots.at(-1)?.end ?? 0) });
  const bytes = program.variable();
  program.constrain(
    [
      [count, 1],
      [nodes, 1],
    ],
    { least: all, most: all },
  );
  program.constrain(
    [
      [load, 1],
      [bytes, 1],
    ],
    { least: total, most: total },
  );
  addReleaseClass(program, { group, nodes, bytes, lastSeconds: undefined, slots, flows });
  return sums;
}
