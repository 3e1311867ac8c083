import type { Sketch } from '../base/sketch.ts';
import { releaseBound, toCurve, type ReleaseCurve } from '../planner/bound.ts';
import { MAX_KINDS, MIN_SHARED, sharedChunks } from '../planner/kin.ts';
import type { PlannerOptions } from '../planner/types.ts';
import type { Moved } from './cluster.ts';
import type { Family, Rack, Scenario, SimulatedImage } from './scenario.ts';

/** A real cluster, as its nodes told it. */
export interface KnownCluster {
  readonly nodes: readonly KnownNode[];
  readonly frontendBytesPerSecond: number;
  /** Nodes that are not up by then are not waited for. */
  readonly patienceSeconds: number;
}

export interface KnownNode {
  readonly id: string;
  /** When its agent had named its images. */
  readonly readySeconds: number;
  /** Its link in each direction. */
  readonly linkBytesPerSecond: number;
  readonly rack?: Rack;
  readonly roomBytes: number;
  /** As for the planner. */
  readonly deadline?: number;
  /** Something on it cannot be gathered. */
  readonly stays: boolean;
  readonly images: readonly KnownImage[];
}

/** An image that was scanned. */
export interface KnownImage {
  readonly id: string;
  readonly sizeBytes: number;
  /** Without its zeros. */
  readonly dataBytes: number;
  readonly sketch: Sketch;
}

/**
 * The families of images, by image; those that are like no other are in none. An image joins the
 * family whose first image has most of its chunks. That first one shares what the member that has
 * most of it has.
 *
 * Simplified: sketches estimate (about 9 % off), chunks count as equally large, and what members
 * share with the first is taken to be in each other too, as far as the lesser of their parts goes.
 */
export function familiesOf(images: readonly KnownImage[]): Map<string, Family> {
  const firsts: KnownImage[] = [];
  const families = new Map<string, Family>();
  for (const image of images) {
    const shares = firsts.map((first) => ({ first, share: containment(image, first) }));
    const [best] = shares.toSorted((left, right) => right.share - left.share);
    if (best === undefined || best.share < MIN_SHARED) {
      if (firsts.length < MAX_KINDS) firsts.push(image);
      continue;
    }
    const { first, share } = best;
    families.set(image.id, { id: first.id, sharedBytes: Math.round(share * image.dataBytes) });
    const ownBytes = Math.round(containment(first, image) * first.dataBytes);
    const knownBytes = families.get(first.id)?.sharedBytes ?? 0;
    families.set(first.id, { id: first.id, sharedBytes: Math.max(knownBytes, ownBytes) });
  }
  return families;
}

/** The share (0 to 1) of the chunks of `part` that are in `whole` too, as sketches tell it. */
function containment({ sketch: part }: KnownImage, { sketch: whole }: KnownImage): number {
  return part.chunks === 0 ? 0 : Math.min(1, sharedChunks(part, whole) / part.chunks);
}

/**
 * What will happen if the cluster's images are gathered now. With `needed`, images move without
 * their zeros and without what the receiver has of their families; with `whole`, as scp moves them.
 *
 * Simplified: nodes are up when they were this time, links give what they promise, disks and
 * hashing hold up nobody, nothing is compressed, nothing fails, and the frontend has no earlier
 * versions of images. Connecting and syncing take no time.
 */
export function forecastScenario(
  cluster: KnownCluster,
  { planner, moved }: { readonly planner: PlannerOptions; readonly moved: Moved },
): Scenario {
  const images = cluster.nodes.flatMap((node) => node.images);
  const families = moved === 'needed' ? familiesOf(images) : new Map<string, Family>();
  const toSimulated = (image: KnownImage): SimulatedImage => {
    const family = families.get(image.id);
    const bytes = moved === 'needed' ? image.dataBytes : image.sizeBytes;
    return { id: image.id, bytes, ...(family !== undefined && { family }) };
  };
  return {
    nodes: cluster.nodes.map(
      ({ id, readySeconds, linkBytesPerSecond, roomBytes, images: own, rack, deadline }) => ({
        id,
        joinSeconds: readySeconds,
        upBytesPerSecond: linkBytesPerSecond,
        downBytesPerSecond: linkBytesPerSecond,
        roomBytes,
        images: own.map(toSimulated),
        ...(rack !== undefined && { rack }),
        ...(deadline !== undefined && { deadline }),
      }),
    ),
    frontendBytesPerSecond: cluster.frontendBytesPerSecond,
    connectSeconds: 0,
    syncSeconds: 0,
    patienceSeconds: cluster.patienceSeconds,
    faults: cluster.nodes
      .filter(({ stays }) => stays)
      .map(({ id, readySeconds }) => ({ kind: 'stays', atSeconds: readySeconds, node: id })),
    planner,
  };
}

/** What every schedule has to do, and no schedule can be sooner than. */
export interface ForecastBound {
  readonly curve: ReleaseCurve;
  /** What has to cross the frontend's link. */
  readonly frontendBytes: number;
}

/**
 * No schedule of the `needed` scenario releases so many nodes sooner. What images do not share with
 * their families has to leave the nodes; the rest crosses the frontend's link once for each family,
 * and only the last release waits for it. All begins with the first node that is up. All links count
 * as fast as the fastest one; racks, room, and other nodes that come up later only make runs longer.
 */
export function forecastBound({ nodes, frontendBytesPerSecond }: KnownCluster): ForecastBound {
  const families = familiesOf(nodes.flatMap((node) => node.images));
  const ownBytes = ({ id, dataBytes }: KnownImage): number =>
    dataBytes - (families.get(id)?.sharedBytes ?? 0);
  const loadsBytes = nodes.map(({ images }) => sum(images.map(ownBytes)));
  const kinds = Map.groupBy(families.values(), ({ id }) => id);
  const commonBytes = [...kinds.values()].map((members) =>
    members.reduce((most, { sharedBytes }) => Math.max(most, sharedBytes), 0),
  );
  const frontendBytes = sum(loadsBytes) + sum(commonBytes);
  const linkBytesPerSecond = nodes.reduce((most, one) => Math.max(most, one.linkBytesPerSecond), 1);
  const { name, points } = releaseBound({ loadsBytes, linkBytesPerSecond, frontendBytesPerSecond });
  const startSeconds = nodes.reduce((least, one) => Math.min(least, one.readySeconds), Infinity);
  const seconds = points.map((point) => point.seconds);
  const last = Math.max(seconds.pop() ?? 0, frontendBytes / frontendBytesPerSecond);
  const all = nodes.length === 0 ? [] : [...seconds, last];
  const releases = all.map((after) => startSeconds + after);
  return { curve: toCurve(name, releases), frontendBytes };
}

function sum(parts: readonly number[]): number {
  return parts.reduce((total, part) => total + part, 0);
}
