/**
 * The layout of an index file (`.caibx`) as casync and desync read it; all numbers are u64
 * little-endian. Source: casync's `src/caformat.h` (CA_FORMAT_INDEX, CA_FORMAT_TABLE), and
 * docs/formats.md.
 */
import { DIGEST_BYTES, type ImageShape } from './image.ts';

export const HEADER_BYTES = 48;
export const TABLE_HEADER_BYTES = 16;
export const ENTRY_BYTES = 8 + DIGEST_BYTES;
export const TAIL_BYTES = 40;

export const INDEX_TYPE = 0x96824d9c7b129ff9n;
export const TABLE_TYPE = 0xe75b9e112f17417dn;
export const TABLE_SIZE_UNKNOWN = 0xffffffffffffffffn;
const TAIL_MARKER = 0x4b4f050e5549ecd1n;

/** No feature flag: digests are SHA-256. */
const FEATURE_FLAGS = 0n;

/** Where the entry of the chunk at `position` begins in the file. */
export function entryOffset(position: number): number {
  return HEADER_BYTES + TABLE_HEADER_BYTES + position * ENTRY_BYTES;
}

/** Everything before the first entry. */
export function encodeHead(chunkSizeBytes: number): Buffer {
  const size = BigInt(chunkSizeBytes);
  return words([
    BigInt(HEADER_BYTES),
    INDEX_TYPE,
    FEATURE_FLAGS,
    size,
    size,
    size,
    TABLE_SIZE_UNKNOWN,
    TABLE_TYPE,
  ]);
}

/** Everything after the last of `chunkCount` entries. */
export function encodeTail(chunkCount: number): Buffer {
  const tableBytes = TABLE_HEADER_BYTES + chunkCount * ENTRY_BYTES + TAIL_BYTES;
  return words([0n, 0n, BigInt(HEADER_BYTES), BigInt(tableBytes), TAIL_MARKER]);
}

/** Writes the entry of the chunk at `position` into `into` at `at`. */
export function encodeEntry(
  into: Buffer,
  at: number,
  entry: { readonly shape: ImageShape; readonly position: number; readonly digest: Uint8Array },
): void {
  const end = endOffset(entry.shape, entry.position);
  into.writeUInt32LE(end % 2 ** 32, at);
  into.writeUInt32LE(Math.floor(end / 2 ** 32), at + 4);
  into.set(entry.digest, at + 8);
}

/** What is wrong with an index, as the end of a sentence; undefined if nothing is. */
export type Defect = string | undefined;

/** What is wrong with the tail of an index with `chunkCount` entries. */
export function tailDefect(tail: Buffer, chunkCount: number): Defect {
  const found = toWords(tail);
  const wanted = toWords(encodeTail(chunkCount));
  for (const [place, word] of found.entries()) {
    const defect = differs(`word ${place} of the tail`, word, wanted[place]);
    if (defect !== undefined) return defect;
  }
  return undefined;
}

/** The end offset in the entry at `at`; beyond the safe integers it is infinite. */
export function decodeEnd(entries: Buffer, at: number): number {
  const end = entries.readUInt32LE(at + 4) * 2 ** 32 + entries.readUInt32LE(at);
  return Number.isSafeInteger(end) ? end : Infinity;
}

function endOffset(shape: ImageShape, position: number): number {
  return Math.min((position + 1) * shape.chunkSizeBytes, shape.sizeBytes);
}

export function differs(
  what: string,
  found: bigint | undefined,
  wanted: bigint | undefined,
): Defect {
  if (found === wanted) return undefined;
  return `found ${what} 0x${found?.toString(16)}, wanted 0x${wanted?.toString(16)}`;
}

function words(values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [place, value] of values.entries()) bytes.writeBigUInt64LE(value, place * 8);
  return bytes;
}

export function toWords(bytes: Buffer): bigint[] {
  return Array.from({ length: bytes.length / 8 }, (_, place) => bytes.readBigUInt64LE(place * 8));
}
