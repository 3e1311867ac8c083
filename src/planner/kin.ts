import type { Sketch } from '../base/sketch.ts';
import type { Image, Kin, Node, Replica } from './state.ts';

/** Images that have less than this in common are not kept together for it. */
export const MIN_SHARED = 0.25;

/** Kinds that are told apart: an image is compared with one of each. */
export const MAX_KINDS = 64;

/**
 * What moving `image` costs where something like it is already. This is what loads are counted in:
 * each kind crosses to the frontend once besides, whatever the order.
 */
export function ownBytes({ bytes, sharedShare }: Image): number {
  return bytes * (1 - sharedShare);
}

/** What moving these onto `node` costs: what it lacks of a kind moves once, with the first. */
export function bytesOnto(node: Node, replicas: Iterable<Replica>): number {
  const known = new Set<Kin>();
  let bytes = 0;
  for (const { image } of replicas) {
    const { kin } = image;
    const isKnown = kin !== undefined && (known.has(kin) || (node.kin.get(kin) ?? 0) > 0);
    bytes += isKnown ? ownBytes(image) : image.bytes;
    if (kin !== undefined) known.add(kin);
  }
  return bytes;
}

/**
 * Chunks that two images have in common. Of the least hashes of both together, as many as the
 * shorter sketch allows, the share that is in both estimates |A ∩ B| / |A ∪ B| (Broder 1997); with
 * |A| + |B| = |A ∪ B| + |A ∩ B| that gives the intersection.
 */
export function sharedChunks(left: Sketch, right: Sketch): number {
  const limit = Math.min(
    isWhole(left) ? Infinity : left.hashes.length,
    isWhole(right) ? Infinity : right.hashes.length,
  );
  let common = 0;
  let union = 0;
  let [one, other] = [0, 0];
  while (union < limit && (one < left.hashes.length || other < right.hashes.length)) {
    const leftHash = left.hashes[one] ?? Infinity;
    const rightHash = right.hashes[other] ?? Infinity;
    if (leftHash === rightHash) common += 1;
    if (leftHash <= rightHash) one += 1;
    if (rightHash <= leftHash) other += 1;
    union += 1;
  }
  const resemblance = union === 0 ? 0 : common / union;
  return (resemblance * (left.chunks + right.chunks)) / (1 + resemblance);
}

/** True if the sketch has all there is. */
function isWhole({ chunks, hashes }: Sketch): boolean {
  return chunks <= hashes.length;
}
