import { releaseBound, toCurve, type ReleaseCurve } from '../planner/bound.ts';
import type { PlannerOptions } from '../planner/types.ts';
import type { Rack, Scenario, SimulatedNode } from './scenario.ts';

/** A cluster in its administrator's words: equal nodes, with one image each. */
export interface Cluster {
  readonly nodes: number;
  /** Sizes are log-normal around this median; with a `sigma` of 0 all are equal. */
  readonly medianBytes: number;
  readonly sigma: number;
  readonly seed: number;
  /** Each node's link and the frontend's, in each direction. */
  readonly linkBytesPerSecond: number;
  readonly frontendLinkBytesPerSecond: number;
  /** Filled one after the other; the frontend is outside. Null: all nodes are on one switch. */
  readonly racks: Racks | null;
  /** Of every node, and writing of the frontend; null if it limits nobody. */
  readonly diskReadBytesPerSecond: number | null;
  readonly diskWriteBytesPerSecond: number | null;
  /** Share of an image (0 to 1) that is zero. */
  readonly zeroShare: number;
  /** Share of the rest (0 to 1) that all images have in common. */
  readonly duplicateShare: number;
  /** For foreign images on each node, without their zeros; null if there is ample room. */
  readonly room: Room | null;
  /** The agents come up evenly over so long, the last one at its end. */
  readonly startSeconds: number;
}

export interface Racks {
  readonly count: number;
  readonly nodesEach: number;
  /** An uplink carries what the nodes of a full rack can send, divided by this. */
  readonly oversubscription: number;
}

export type Room =
  | { readonly kind: 'bytes'; readonly bytes: number }
  /** As many images of median size. */
  | { readonly kind: 'images'; readonly images: number };

/**
 * What moves of an image. `whole`: all of it, as scp does it. `needed`: zeros never, and what the
 * images have in common once.
 */
export type Moved = 'whole' | 'needed';

/**
 * The scenario of a cluster: no faults, no time for connecting, hashing and syncing.
 *
 * With `needed` every image costs its own data wherever it goes, since each receiver has the common
 * part: a node in its own image, the frontend in the first. That one, of the node that is up first,
 * brings the common part, as large as that of the largest image. The simulator knows no overlap of
 * images beyond this.
 */
export function clusterScenario(
  cluster: Cluster,
  { planner, moved }: { readonly planner: PlannerOptions; readonly moved: Moved },
): Scenario {
  const racks = toRacks(cluster);
  const roomBytes = toRoomBytes(cluster, moved);
  const nodes = movedBytes(cluster, moved).map((bytes, place): SimulatedNode => {
    const rack = racks[Math.floor(place / (cluster.racks?.nodesEach ?? Infinity))];
    const node = {
      id: `n${place + 1}`,
      joinSeconds: (cluster.startSeconds * (place + 1)) / cluster.nodes,
      upBytesPerSecond: cluster.linkBytesPerSecond,
      downBytesPerSecond: cluster.linkBytesPerSecond,
      diskReadBytesPerSecond: cluster.diskReadBytesPerSecond ?? Infinity,
      diskWriteBytesPerSecond: cluster.diskWriteBytesPerSecond ?? Infinity,
      roomBytes,
      images: [{ id: `n${place + 1}:image`, bytes }],
    };
    return rack === undefined ? node : Object.assign(node, { rack });
  });
  return {
    nodes,
    frontendBytesPerSecond: cluster.frontendLinkBytesPerSecond,
    frontendDiskWriteBytesPerSecond: cluster.diskWriteBytesPerSecond ?? Infinity,
    connectSeconds: 0,
    syncSeconds: 0,
    faults: [],
    planner,
  };
}

/**
 * No schedule that moves what is `needed` or more releases so many nodes sooner. Their own data has
 * to leave the nodes; what all have in common is left out but for the last one, when it has crossed
 * the frontend's link too. A node neither sends nor receives faster than its link, nor than the
 * faster of its disk's directions. Racks, room and the start of agents only make runs longer.
 */
export function clusterBound(cluster: Cluster): ReleaseCurve {
  const { linkBytesPerSecond, frontendLinkBytesPerSecond } = cluster;
  const readBytesPerSecond = cluster.diskReadBytesPerSecond ?? Infinity;
  const writeBytesPerSecond = cluster.diskWriteBytesPerSecond ?? Infinity;
  const diskBytesPerSecond = Math.max(readBytesPerSecond, writeBytesPerSecond);
  const frontendBytesPerSecond = Math.min(frontendLinkBytesPerSecond, writeBytesPerSecond);
  const { name, points } = releaseBound({
    loadsBytes: imageBytes(cluster).map((bytes) => ownBytes(cluster, bytes)),
    linkBytesPerSecond: Math.min(linkBytesPerSecond, diskBytesPerSecond),
    frontendBytesPerSecond,
  });
  const crossingBytes = movedBytes(cluster, 'needed').reduce((sum, bytes) => sum + bytes, 0);
  const seconds = points.map((point) => point.seconds);
  const last = Math.max(seconds.pop() ?? 0, crossingBytes / frontendBytesPerSecond);
  return toCurve(name, [...seconds, last]);
}

/** What the image of each node costs to move. */
function movedBytes(cluster: Cluster, moved: Moved): number[] {
  const sizes = imageBytes(cluster);
  if (moved === 'whole') return sizes;
  const { zeroShare, duplicateShare } = cluster;
  const largest = sizes.reduce((most, bytes) => Math.max(most, bytes), 0);
  const common = wholeBytes(largest * (1 - zeroShare) * duplicateShare);
  return sizes.map((bytes, place) => ownBytes(cluster, bytes) + (place === 0 ? common : 0));
}

/** What of an image is neither zero nor common. */
function ownBytes({ zeroShare, duplicateShare }: Cluster, bytes: number): number {
  return wholeBytes(bytes * (1 - zeroShare) * (1 - duplicateShare));
}

/** Rounded down, or parts could be more than the whole; what floating point has lost comes back. */
function wholeBytes(bytes: number): number {
  return Math.floor(bytes + 1e-6);
}

/** Room counts in what moves; a foreign image takes its data, the common part included. */
function toRoomBytes(cluster: Cluster, moved: Moved): number {
  const { room, medianBytes, duplicateShare } = cluster;
  if (room === null) return Infinity;
  if (room.kind === 'bytes') return room.bytes * (moved === 'whole' ? 1 : 1 - duplicateShare);
  const bytes = moved === 'whole' ? medianBytes : ownBytes(cluster, medianBytes);
  return room.images * bytes;
}

function toRacks({ racks, linkBytesPerSecond }: Cluster): Rack[] {
  if (racks === null) return [];
  const uplink = (racks.nodesEach * linkBytesPerSecond) / racks.oversubscription;
  const rack = { upBytesPerSecond: uplink, downBytesPerSecond: uplink };
  return Array.from({ length: racks.count }, () => ({ ...rack }));
}

/** Log-normal sizes: median · exp(σ·z), z standard normal by Box and Muller (1958). */
function imageBytes({ nodes, medianBytes, sigma, seed }: Cluster): number[] {
  const next = uniform(seed);
  return Array.from({ length: nodes }, () => {
    const radius = Math.sqrt(-2 * Math.log(next()));
    const z = radius * Math.cos(2 * Math.PI * next());
    return Math.max(1, Math.round(medianBytes * Math.exp(sigma * z)));
  });
}

/** Numbers above 0 and below 1, of 32 bits: `mulberry32`, whose near seeds are unlike at once. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
}
