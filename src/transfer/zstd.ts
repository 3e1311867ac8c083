import * as zlib from 'node:zlib';
import { KgetError } from '../base/error.ts';

/** Level 1 compresses 0.25 GB/s on one core; higher levels gain little on images. */
const LEVEL = 1;

/** Whether this Node.js has zstd (22.15 and newer). */
export const hasZstd = 'zstdCompressSync' in zlib;

/** One zstd frame. Only where `hasZstd`. */
export function compress(chunk: Uint8Array): Buffer {
  return zlib.zstdCompressSync(chunk, {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: LEVEL },
  });
}

/**
 * The chunk of exactly `plainBytes` in a zstd frame. @throws KgetError `corrupt` if it is anything
 * else
 */
export function decompress(packed: Uint8Array, plainBytes: number): Buffer {
  let plain: Buffer;
  try {
    plain = zlib.zstdDecompressSync(packed, { maxOutputLength: plainBytes });
  } catch (cause) {
    throw new KgetError(
      'corrupt',
      `Cannot decompress a chunk of ${packed.length} B: wanted a zstd frame of ${plainBytes} B`,
      { cause },
    );
  }
  if (plain.length === plainBytes) return plain;
  throw new KgetError(
    'corrupt',
    `Cannot use a decompressed chunk: it has ${plain.length} B, wanted ${plainBytes} B`,
  );
}
