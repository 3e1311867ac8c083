import { DIGEST_BYTES } from '../content/image.ts';

/** Decides which chunks are read: the same ones for the same seed. */
export type Sample = (digest: Buffer) => boolean;

const RANGE = 2 ** 32;

/** The largest seed. */
export const MAX_SEED = RANGE - 1;

/**
 * A share (0 to 1) of all chunks. Digests are random, but an attacker who knows the rule could
 * choose them: all of a digest is mixed with the seed (a whole number up to `MAX_SEED`).
 */
export function createSample(share: number, seed: number): Sample {
  if (share >= 1) return () => true;
  const limit = share * RANGE;
  return (digest) => mixed(digest, seed) < limit;
}

/** murmur3's 32-bit hash, without its tail: digests have whole words. */
function mixed(digest: Buffer, seed: number): number {
  let hash = seed | 0;
  for (let at = 0; at < DIGEST_BYTES; at += 4) {
    let word = Math.imul(digest.readInt32LE(at), 0xcc9e2d51);
    word = Math.imul((word << 15) | (word >>> 17), 0x1b873593);
    hash ^= word;
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  hash ^= DIGEST_BYTES;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
