import { assert } from '../../src/base/assert.ts';
import type { Scenario, SimulatedNode } from '../../src/simulator/scenario.ts';
import {
  downRate,
  frontendRate,
  ownBytes,
  sharedBytes,
  sumOf,
  upRate,
  weightOf,
} from './fluid-rates.ts';

/**
 * What the bounds know of a scenario. Bytes are in units of the mean load of a node; times are in
 * seconds. Nodes that join late are taken to be there from the start, transfers to begin and end
 * without delay: whatever a schedule does under a scenario's terms it can also do under these.
 *
 * Of images of one family only the own part of each counts as a load. That is a lower bound: a node
 * is released when every byte of its images is elsewhere, and whatever its receivers have of the
 * family, its own part has to leave it. What the family has in common may leave no node but the one
 * that sends it to the frontend; there it has to arrive once, before all nodes are released.
 */
export interface FluidCluster {
  /** Of all frontends, their links or their disks; or of all racks together that nodes are in. */
  readonly frontendRate: number;
  readonly groups: readonly NodeGroup[];
  /**
   * Only what all nodes of a rack hold, and its uplink; traffic between racks is not limited. For
   * racks that are alike, and whose uplinks carry at least what the frontend's link does together,
   * the fluid bounds would be no higher: any flow between nodes, averaged over all permutations of
   * the racks, can stay within the racks, with the same sums for each group of nodes, and a rack
   * then sends its part of what the frontend receives.
   */
  readonly racks: readonly { readonly load: number; readonly upRate: number }[];
  /** What families have in common, once for each. */
  readonly sharedLoad: number;
  /** The least bytes of any image, without what it shares. */
  readonly smallestImage: number;
  /** So many others, or the frontend, must have an image before a node that holds it is released. */
  readonly copies: number;
}

/** Nodes with equal links, equal room and equal weight. */
export interface NodeGroup {
  /** What has to leave each node, ascending. */
  readonly loads: readonly number[];
  readonly upRate: number;
  readonly downRate: number;
  /** For foreign images. */
  readonly room: number;
  /** How much a node counts in the mean. */
  readonly weight: number;
}

/** The nodes of a scenario in groups; undefined if there is nothing to gather. */
export function fluidCluster(scenario: Scenario): FluidCluster | undefined {
  const { nodes, planner } = scenario;
  const images = nodes.flatMap((node) => node.images);
  const sizes = images.map(ownBytes);
  const common = sharedBytes(images);
  const unit = (sumOf(sizes) + common) / nodes.length;
  if (!(unit > 0)) return undefined;
  for (const node of nodes) assert(upRate(node) + downRate(node) < Infinity, 'links are limited');
  const alike = Map.groupBy(nodes, (node) =>
    [upRate(node), downRate(node), node.roomBytes, weightOf(node)].join(' '),
  );
  const racks = [...Map.groupBy(nodes, ({ rack }) => rack)].map(([rack, members]) => ({
    load: sumOf(members.map(loadBytes)) / unit,
    upRate: (rack?.upBytesPerSecond ?? Infinity) / unit,
  }));
  return {
    frontendRate: Math.min(frontendRate(scenario) / unit, sumOf(racks.map((rack) => rack.upRate))),
    groups: [...alike.values()].map((members) => toGroup(members, unit)),
    racks,
    sharedLoad: common / unit,
    smallestImage: Math.min(...sizes) / unit,
    copies: planner.copies,
  };
}

function toGroup(members: readonly SimulatedNode[], unit: number): NodeGroup {
  const [first] = members;
  assert(first !== undefined, 'a group has members');
  const loads = members.map((node) => loadBytes(node) / unit);
  return {
    loads: loads.toSorted((left, right) => left - right),
    upRate: upRate(first) / unit,
    downRate: downRate(first) / unit,
    room: first.roomBytes / unit,
    weight: weightOf(first),
  };
}

/** What has to leave a node. */
export function loadBytes({ images }: SimulatedNode): number {
  return sumOf(images.map(ownBytes));
}

/** How many nodes there are. */
export function nodeCount({ groups }: FluidCluster): number {
  return sumOf(groups.map(({ loads }) => loads.length));
}

/** How much they count together. */
export function totalWeight({ groups }: FluidCluster): number {
  return sumOf(groups.map(({ loads, weight }) => weight * loads.length));
}

/** What has to reach the frontend: what is each image's own, and what families share, once. */
export function totalLoad({ groups, sharedLoad }: FluidCluster): number {
  return sharedLoad + sumOf(groups.flatMap(({ loads }) => loads));
}
