/**
 * A record of the chunk table, as it lies in segments and in memory: a chunk's digest (32 B), then
 * the size of its file in the store (u32 little-endian). Packed records stand one after the other.
 */
import { DIGEST_BYTES } from '../content/image.ts';

export const RECORD_BYTES = DIGEST_BYTES + 4;

/** The largest size that a record can tell: no chunk's file is near it. */
export const MAX_PACKED_BYTES = 2 ** 32 - 1;

/** How many bits of a digest `leadingBits` tells. */
export const LEADING_BITS = 48;

/**
 * Orders the digests at two places as their bytes do: negative, zero or positive. Places instead of
 * slices, since this runs for every record that is looked at or moved.
 */
export function compareDigests(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  for (let place = 0; place < DIGEST_BYTES; place += 1) {
    const difference = (a[aAt + place] ?? 0) - (b[bAt + place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The first 48 bits of the digest at `at` as an integer, ordered as the digests are. */
export function leadingBits(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 16 + bytes.readUInt16BE(at + 4);
}
