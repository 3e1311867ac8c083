import type { Highs } from 'highs';
import { flowGroups, type FlowGroup } from './flow-group.ts';
import { nodeCount, totalLoad, type FluidCluster, type NodeGroup } from './fluid-cluster.ts';
import { createLinearProgram, type LinearProgram, type Term } from './linear-program.ts';
import { keepAboveLeastLoads } from './load-cuts.ts';

/** What rounding may leave of a whole number, and of a part of a time. */
const TOLERANCE = 1e-6;

/** No schedule that moves whole images has released more nodes `seconds` after the start. */
export function mostReleased(highs: Highs, cluster: FluidCluster, seconds: number): number {
  const fluid = Math.floor(mostReleasedByBytes(highs, cluster, seconds) + TOLERANCE);
  const images = mostReleasedByImages(cluster, seconds);
  return Math.min(fluid, images, mostReleasedByFrontend(cluster, seconds));
}

/** The last node is released when the frontend has everything, what families share included. */
function mostReleasedByFrontend(cluster: FluidCluster, seconds: number): number {
  const hasAll = totalLoad(cluster) <= cluster.frontendRate * seconds * (1 + TOLERANCE);
  return nodeCount(cluster) - (hasAll ? 0 : 1);
}

/**
 * The same by counting images. Let k nodes be released. Each image of theirs is complete at the
 * frontend or on one of the n − k other nodes. With s bytes in the smallest image the frontend has
 * got no more than ⌊F·t/s⌋, and a node with a link of B and room R no more than ⌊min(B·t, R)/s⌋;
 * where c copies are asked for, c nodes must have an image that the frontend does not have. Two or
 * more take as long as two transfers one after the other over the fastest link, at least: either the
 * node sends both, or who has got the first sends the second.
 * That is for nodes with an image at least; those without count as released. Nodes that cannot have
 * sent what they hold are among the others, and the rest of those are taken to be the best.
 */
function mostReleasedByImages(cluster: FluidCluster, seconds: number): number {
  const { groups, frontendRate, smallestImage, copies } = cluster;
  const all = nodeCount(cluster);
  if (smallestImage === 0) return all;
  const imagesIn = (bytes: number): number => Math.floor(bytes / smallestImage + TOLERANCE);
  const fastest = Math.max(...groups.map(({ upRate }) => upRate));
  const hasTime = copies === 1 || 2 * smallestImage <= fastest * seconds * (1 + TOLERANCE);
  let places = imagesIn(frontendRate * seconds);
  let released = 0;
  let empty = 0;
  const keepable: number[] = [];
  for (const group of groups) {
    const able = ableCount(group, seconds);
    const most = hasTime ? Math.min(group.downRate * seconds, group.room) : 0;
    const kept = imagesIn(most) / copies;
    places += kept * (group.loads.length - able);
    released += able;
    empty += group.loads.filter((load) => load === 0).length;
    keepable.push(...group.loads.slice(0, able).map(() => kept));
  }
  for (const kept of keepable.toSorted((left, right) => right - left)) {
    if (released - empty <= places + TOLERANCE) break;
    places += kept;
    released -= 1;
  }
  return released;
}

/** Nodes of a group that can have sent what they held. */
function ableCount({ loads, upRate }: NodeGroup, seconds: number): number {
  return loads.filter((load) => load <= upRate * seconds * (1 + TOLERANCE)).length;
}

/**
 * The same by bytes, not rounded: nodes and images are taken as divisible.
 *
 * Take any schedule, and of each byte the transfers that brought it to the frontend in the end,
 * from its origin on. Whoever is released has sent what it held and what came to it in this way;
 * the others hold the rest, what is foreign within their room. What nodes sent to nodes equals what
 * nodes received, and no link carried more than its rate times the time. These are linear in the
 * sums over the released and the other nodes of each group, so what the schedule released is no
 * more than the maximum under these constraints. That a released node was gone for a while is
 * disregarded; copies are as in `flowGroups`. For one copy, equal images, links of one rate and ample
 * room it is (n + 1)·t / (1 + t).
 */
export function mostReleasedByBytes(highs: Highs, cluster: FluidCluster, seconds: number): number {
  const program = createLinearProgram(highs);
  const flows = flowGroups(cluster).flatMap((group) => addGroup(program, group, seconds));
  program.balance(
    flows.flatMap(({ toPeers, fromPeers }): Term[] => [
      [toPeers, 1],
      [fromPeers, -1],
    ]),
  );
  program.constrain(
    flows.map(({ toFrontend }): Term => [toFrontend, 1]),
    { most: cluster.frontendRate * seconds },
  );
  return -program.minimum();
}

/** What some nodes send and receive; the numbers are variables. */
interface Flows {
  readonly toPeers: number;
  readonly toFrontend: number;
  readonly fromPeers: number;
}

/** The released nodes of a group, and the others. */
function addGroup(program: LinearProgram, group: FlowGroup, seconds: number): Flows[] {
  const { loads, room } = group;
  const up = group.sendRate * seconds;
  const down = group.downRate * seconds;
  const total = loads.reduce((sum, load) => sum + load, 0);
  const count = program.variable({ most: ableCount(group, seconds), cost: -1 });
  const load = program.variable({ most: total });
  keepAboveLeastLoads(program, { count, load, loads });

  const gone = addFlows(program);
  program.balance([...sent(gone), [load, -1], [gone.fromPeers, -1]]);
  if (Number.isFinite(up)) program.constrain([...sent(gone), [count, -up]], { most: 0 });
  program.constrain(
    [
      [gone.fromPeers, 1],
      [count, -down],
    ],
    { most: 0 },
  );

  const rest = addFlows(program);
  const foreign = program.variable();
  program.constrain([...sent(rest), [foreign, -1]], { least: 0 });
  program.constrain([...sent(rest), [foreign, -1], [load, 1]], { most: total });
  program.constrain(
    [
      [rest.fromPeers, 1],
      [foreign, -1],
    ],
    { least: 0 },
  );
  if (Number.isFinite(up)) {
    program.constrain([...sent(rest), [count, up]], { most: up * loads.length });
  }
  program.constrain(
    [
      [rest.fromPeers, 1],
      [count, down],
    ],
    { most: down * loads.length },
  );
  if (Number.isFinite(room)) {
    const held = [
      [rest.fromPeers, 1],
      [foreign, -1],
    ] as const;
    program.constrain([...held, [count, room]], { most: room * loads.length });
  }
  return [gone, rest];
}

function addFlows(program: LinearProgram): Flows {
  const [toPeers, toFrontend, fromPeers] = [0, 0, 0].map(() => program.variable());
  return { toPeers: toPeers ?? 0, toFrontend: toFrontend ?? 0, fromPeers: fromPeers ?? 0 };
}

function sent({ toPeers, toFrontend }: Flows): Term[] {
  return [
    [toPeers, 1],
    [toFrontend, 1],
  ];
}
