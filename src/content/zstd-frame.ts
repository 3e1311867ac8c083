import { isZstdFrame } from './unpack-chunk.ts';

/** The longest header of a zstd frame. Source: RFC 8878, 3.1.1.1 */
export const FRAME_HEAD_BYTES = 18;

/** Lengths of a header's fields, by the bits that tell them. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;

/** What a size of two bytes is less than the size that it stands for. */
const SHORT_SIZE_OFFSET = 256;

/**
 * How many plain bytes a zstd frame says it has, of which at least the first `FRAME_HEAD_BYTES` are
 * there; undefined if it does not say so, or is no such frame. Not verified: see `unpackChunk`.
 */
export function plainBytesOf(frame: Uint8Array): number | undefined {
  if (!isZstdFrame(frame)) return undefined;
  const head = Buffer.from(frame.subarray(0, FRAME_HEAD_BYTES));
  const [descriptor = 0] = head.subarray(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = CONTENT_SIZE_BYTES[descriptor >> 6] ?? 0;
  const windowBytes = isSingleSegment ? 0 : 1;
  const at = 5 + windowBytes + (DICTIONARY_ID_BYTES[descriptor & 3] ?? 0);
  if (head.length < at + Math.max(sizeBytes, 1)) return undefined;
  if (sizeBytes === 0) return isSingleSegment ? head.readUInt8(at) : undefined;
  if (sizeBytes === 2) return head.readUInt16LE(at) + SHORT_SIZE_OFFSET;
  return sizeBytes === 4 ? head.readUInt32LE(at) : Number(head.readBigUInt64LE(at));
}

/**
 * Whether a frame that unpacks to `plain` can be kept as it is: it says how long that is, and takes
 * less room. A sender may put before or behind it what other readers stumble over.
 */
export function isPlainlyPacked(frame: Uint8Array, plain: Uint8Array): boolean {
  return frame.length < plain.length && plainBytesOf(frame) === plain.length;
}
