import {
  type Sketch,
  SKETCH_HASH_BYTES,
  SKETCH_HASH_LIMIT,
  SKETCH_HASHES,
} from '../base/sketch.ts';
import { zeroDigests } from './digest.ts';
import { DIGEST_BYTES, type ImageShape } from './image.ts';
import { chunkCountOf } from './shape.ts';

/** Sketches an image from the digests of its chunks as they come, in bounded memory. */
export interface Sketcher {
  /** Takes digests of chunks, packed, in any order; zero chunks and repeated ones change nothing. */
  append(digests: Buffer): void;
  /**
   * The sketch so far. `chunks` is exact up to `SKETCH_HASHES` distinct chunks; above, it is the
   * estimate from the k-th least hash, off by about 9 %, and at most the chunks that came.
   */
  sketch(): Sketch;
}

export function createSketcher(shape: ImageShape): Sketcher {
  const zeros = zeroHashes(shape);
  /** Ascending, each once. */
  const least: number[] = [];
  /** Hashes from here on are not among the least. */
  let limit = SKETCH_HASH_LIMIT;
  let dataChunks = 0;
  let overflowed = false;

  function insert(hash: number): void {
    const place = placeOf(least, hash);
    if (least[place] === hash) return;
    least.splice(place, 0, hash);
    if (least.length > SKETCH_HASHES) {
      least.pop();
      overflowed = true;
    }
    if (least.length === SKETCH_HASHES) limit = least.at(-1) ?? limit;
  }
  return {
    append(digests) {
      for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
        const hash = digests.readUIntBE(at, SKETCH_HASH_BYTES);
        if (zeros.has(hash)) continue;
        dataChunks += 1;
        if (hash < limit) insert(hash);
        else if (hash > limit) overflowed = true;
      }
    },
    sketch() {
      const chunks = overflowed ? distinctHashes(limit) : least.length;
      return { chunks: Math.min(chunks, dataChunks), hashes: [...least] };
    },
  };
}

/**
 * How many distinct hashes there are if `last` is the k-th least of them, k = `SKETCH_HASHES`: (k −
 * 1) divided by `last` as a share of all hashes, which is unbiased (Bar-Yossef et al. 2002,
 * "Counting distinct elements in a data stream"; Beyer et al. 2007, "On synopses for distinct-value
 * estimation under multiset operations").
 */
function distinctHashes(last: number): number {
  const estimate = Math.round(((SKETCH_HASHES - 1) * SKETCH_HASH_LIMIT) / last);
  return Math.max(estimate, SKETCH_HASHES + 1);
}

/** The hashes of the image's zero chunks: full ones, and a short last one. */
function zeroHashes(shape: ImageShape): ReadonlySet<number> {
  const chunkCount = chunkCountOf(shape);
  if (chunkCount === 0) return new Set();
  const zeros = zeroDigests(shape);
  const digests = [zeros.at(0), zeros.at(chunkCount - 1)];
  return new Set(digests.map((digest) => digest.readUIntBE(0, SKETCH_HASH_BYTES)));
}

/** Where `hash` stands in ascending numbers, or is to be inserted. */
function placeOf(ascending: readonly number[], hash: number): number {
  let from = 0;
  let to = ascending.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((ascending[middle] ?? hash) < hash) from = middle + 1;
    else to = middle;
  }
  return from;
}
