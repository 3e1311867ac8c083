import { releaseBound, toCurve, type ReleaseCurve } from '../planner/bound.ts';
import type { PlannerOptions } from '../planner/types.ts';
import { uniform } from './chance.ts';
import type { Rack, Scenario, SimulatedImage, SimulatedNode } from './scenario.ts';

/** A cluster in its administrator's words: equal nodes, with one image each. */
export interface Cluster {
  readonly nodes: number;
  /** Sizes are log-normal around this median; with a `sigma` of 0 all are equal. */
  readonly medianBytes: number;
  readonly sigma: number;
  readonly seed: number;
  /** Each node's link and each frontend's, in each direction. */
  readonly linkBytesPerSecond: number;
  readonly frontendLinkBytesPerSecond: number;
  /** Hosts that are the frontend together, with one store. */
  readonly frontends: number;
  /** Filled one after the other; the frontend is outside. Null: all nodes are on one switch. */
  readonly racks: Racks | null;
  /** Of every node, and writing of the frontend; null if it limits nobody. */
  readonly diskReadBytesPerSecond: number | null;
  readonly diskWriteBytesPerSecond: number | null;
  /** Share of an image (0 to 1) that is zero. */
  readonly zeroShare: number;
  /** Share of the rest (0 to 1) that all images of a family have in common. */
  readonly duplicateShare: number;
  /** The nodes' images are of these in turn. */
  readonly families: number;
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
 * What moves of an image. `whole`: all of it, as scp does it. `needed`: zeros never, and what a
 * family has in common not to where it is already.
 */
export type Moved = 'whole' | 'needed';

/** The scenario of a cluster: no faults, no time for connecting, hashing and syncing. */
export function clusterScenario(
  cluster: Cluster,
  { planner, moved }: { readonly planner: PlannerOptions; readonly moved: Moved },
): Scenario {
  const racks = toRacks(cluster);
  const roomBytes = toRoomBytes(cluster, moved);
  const nodes = imageBytes(cluster).map((bytes, place): SimulatedNode => {
    const rack = racks[Math.floor(place / (cluster.racks?.nodesEach ?? Infinity))];
    const id = `n${place + 1}`;
    const image = { id: `${id}:image`, bytes };
    const node = {
      id,
      joinSeconds: (cluster.startSeconds * (place + 1)) / cluster.nodes,
      upBytesPerSecond: cluster.linkBytesPerSecond,
      downBytesPerSecond: cluster.linkBytesPerSecond,
      diskReadBytesPerSecond: cluster.diskReadBytesPerSecond ?? Infinity,
      diskWriteBytesPerSecond: cluster.diskWriteBytesPerSecond ?? Infinity,
      roomBytes,
      images: [moved === 'whole' ? image : neededOf(cluster, image, place)],
    };
    return rack === undefined ? node : Object.assign(node, { rack });
  });
  return {
    nodes,
    frontendBytesPerSecond: cluster.frontendLinkBytesPerSecond,
    frontendDiskWriteBytesPerSecond: cluster.diskWriteBytesPerSecond ?? Infinity,
    frontends: cluster.frontends,
    connectSeconds: 0,
    syncSeconds: 0,
    faults: [],
    planner,
  };
}

/**
 * No schedule that moves what is `needed` or more releases so many nodes sooner. Their own data has
 * to leave the nodes; what families have in common is left out but for the last one, when it has
 * crossed the frontends' links too. A node neither sends nor receives faster than its link, nor than
 * the faster of its disk's directions. Racks, room, the start of agents and more copies than one only
 * make runs longer.
 */
export function clusterBound(cluster: Cluster): ReleaseCurve {
  const { linkBytesPerSecond, frontendLinkBytesPerSecond, frontends } = cluster;
  const readBytesPerSecond = cluster.diskReadBytesPerSecond ?? Infinity;
  const writeBytesPerSecond = cluster.diskWriteBytesPerSecond ?? Infinity;
  const diskBytesPerSecond = Math.max(readBytesPerSecond, writeBytesPerSecond);
  const frontendBytesPerSecond =
    frontends * Math.min(frontendLinkBytesPerSecond, writeBytesPerSecond);
  const images = imageBytes(cluster).map((bytes, place) =>
    neededOf(cluster, { id: '', bytes }, place),
  );
  const { name, points } = releaseBound({
    loadsBytes: images.map(ownBytes),
    linkBytesPerSecond: Math.min(linkBytesPerSecond, diskBytesPerSecond),
    frontendBytesPerSecond,
  });
  const seconds = points.map((point) => point.seconds);
  const last = Math.max(seconds.pop() ?? 0, crossingBytes(images) / frontendBytesPerSecond);
  return toCurve(name, [...seconds, last]);
}

/** The image of the node at `place` without zeros, and of which family it is. */
function neededOf(
  { zeroShare, duplicateShare, families }: Cluster,
  { id, bytes }: SimulatedImage,
  place: number,
): SimulatedImage {
  const dataBytes = wholeBytes(bytes * (1 - zeroShare));
  if (duplicateShare === 0) return { id, bytes: dataBytes };
  const sharedBytes = wholeBytes(dataBytes * duplicateShare);
  return { id, bytes: dataBytes, family: { id: `family${place % families}`, sharedBytes } };
}

/** All own data, and the longest common part of each family once. */
function crossingBytes(images: readonly SimulatedImage[]): number {
  const common = new Map<string, number>();
  let sumBytes = 0;
  for (const image of images) {
    sumBytes += ownBytes(image);
    const { id = '', sharedBytes = 0 } = image.family ?? {};
    common.set(id, Math.max(common.get(id) ?? 0, sharedBytes));
  }
  for (const bytes of common.values()) sumBytes += bytes;
  return sumBytes;
}

/** What of an image no other has. */
function ownBytes({ bytes, family }: SimulatedImage): number {
  return bytes - (family?.sharedBytes ?? 0);
}

/** Rounded down, or parts could be more than the whole; what floating point has lost comes back. */
function wholeBytes(bytes: number): number {
  return Math.floor(bytes + 1e-6);
}

/** A foreign image takes all of its data, whatever of it did not have to move. */
function toRoomBytes({ room, medianBytes, zeroShare }: Cluster, moved: Moved): number {
  if (room === null) return Infinity;
  if (room.kind === 'bytes') return room.bytes;
  return (
    room.images * (moved === 'whole' ? medianBytes : wholeBytes(medianBytes * (1 - zeroShare)))
  );
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
