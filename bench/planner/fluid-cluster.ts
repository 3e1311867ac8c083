import { assert } from '../../src/base/assert.ts';
import type { Scenario, SimulatedNode } from '../../src/simulator/scenario.ts';

/**
 * What the bounds know of a scenario. Bytes are in units of the mean load of a node; times are in
 * seconds. Nodes that join late are taken to be there from the start, transfers to begin and end
 * without delay: whatever a schedule does under a scenario's terms it can also do under these.
 */
export interface FluidCluster {
  /** Of its link or its disk; or of all uplinks of racks together, if all nodes are in racks. */
  readonly frontendRate: number;
  readonly groups: readonly NodeGroup[];
  /** Only what all nodes of a rack hold, and its uplink: traffic between racks is not limited. */
  readonly racks: readonly { readonly load: number; readonly upRate: number }[];
  /** The least bytes of any image. */
  readonly smallestImage: number;
}

/** Nodes with equal links and equal room. */
export interface NodeGroup {
  /** What has to leave each node, ascending. */
  readonly loads: readonly number[];
  readonly upRate: number;
  readonly downRate: number;
  /** For foreign images. */
  readonly room: number;
}

/** The nodes of a scenario in groups; undefined if there is nothing to gather. */
export function fluidCluster(scenario: Scenario): FluidCluster | undefined {
  const { nodes, frontendBytesPerSecond, frontendDiskWriteBytesPerSecond = Infinity } = scenario;
  const sizes = nodes.flatMap(({ images }) => images.map(({ bytes }) => bytes));
  const unit = sumOf(sizes) / nodes.length;
  if (!(unit > 0)) return undefined;
  for (const node of nodes) assert(upRate(node) + downRate(node) < Infinity, 'links are limited');
  const alike = Map.groupBy(nodes, (node) =>
    [upRate(node), downRate(node), node.roomBytes].join(' '),
  );
  const racks = [...Map.groupBy(nodes, ({ rack }) => rack)].map(([rack, members]) => ({
    load: sumOf(members.map(loadBytes)) / unit,
    upRate: (rack?.upBytesPerSecond ?? Infinity) / unit,
  }));
  return {
    frontendRate: Math.min(
      frontendBytesPerSecond / unit,
      frontendDiskWriteBytesPerSecond / unit,
      sumOf(racks.map((rack) => rack.upRate)),
    ),
    groups: [...alike.values()].map((members) => toGroup(members, unit)),
    racks,
    smallestImage: Math.min(...sizes) / unit,
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
  };
}

function loadBytes({ images }: SimulatedNode): number {
  return sumOf(images.map(({ bytes }) => bytes));
}

function upRate({ upBytesPerSecond, diskReadBytesPerSecond = Infinity }: SimulatedNode): number {
  return Math.min(upBytesPerSecond, diskReadBytesPerSecond);
}

function downRate(node: SimulatedNode): number {
  return Math.min(node.downBytesPerSecond, node.diskWriteBytesPerSecond ?? Infinity);
}

/** How many nodes there are. */
export function nodeCount({ groups }: FluidCluster): number {
  return sumOf(groups.map(({ loads }) => loads.length));
}

/** The bytes of all images. */
export function totalLoad({ groups }: FluidCluster): number {
  return sumOf(groups.flatMap(({ loads }) => loads));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
