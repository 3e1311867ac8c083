import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { KgetError } from '../base/error.ts';

/** Level 1 compresses 0.4 GB/s on one core. */
const FAST_LEVEL = 1;

/** What is kept is compressed once and read often. */
export const DEFAULT_LEVEL = 5;

/** The highest level that zstd takes; they need ever more memory. */
export const MAX_LEVEL = 19;

/** Whether this Node.js has zstd (22.15 and newer). */
export const hasZstd = 'zstdCompressSync' in zlib;

/** One zstd frame, compressed at a level from 1 to `MAX_LEVEL`. Only where `hasZstd`. */
export function compress(chunk: Uint8Array, level = FAST_LEVEL): Buffer {
  return zlib.zstdCompressSync(chunk, optionsOf(chunk, level));
}

/** As `compress`, on the thread pool. */
export function compressAside(chunk: Uint8Array, level: number): Promise<Buffer> {
  return promisify(zlib.zstdCompress)(chunk, optionsOf(chunk, level));
}

function optionsOf(chunk: Uint8Array, level: number): zlib.ZstdOptions {
  return {
    params: { [zlib.constants.ZSTD_c_compressionLevel]: level },
    chunkSize: oneBufferFor(chunk.length),
    // A frame of known size is compressed with tables that fit it: less memory, and fewer bytes.
    pledgedSrcSize: chunk.length,
  };
}

/** What comes out goes into one buffer, not into many of 16 KiB: that is up to three times faster. */
function oneBufferFor(bytes: number): number {
  return Math.max(bytes + 1, zlib.constants.Z_MIN_CHUNK);
}

/** A chunk of at most `maxBytes` in a zstd frame. @throws Error if it is anything else */
export function decompressUpTo(packed: Uint8Array, maxBytes: number): Buffer {
  return zlib.zstdDecompressSync(packed, {
    maxOutputLength: maxBytes,
    chunkSize: oneBufferFor(maxBytes),
  });
}

/**
 * The chunk of exactly `plainBytes` in a zstd frame. @throws KgetError `corrupt` if it is anything
 * else
 */
export function decompress(packed: Uint8Array, plainBytes: number): Buffer {
  let plain: Buffer;
  try {
    plain = decompressUpTo(packed, plainBytes);
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
