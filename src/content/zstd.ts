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

/**
 * The largest window that a zstd frame may ask for, as a power of two: 8 MiB, what RFC 8878,
 * 3.1.1.1.2, recommends decoders to support. Frames of larger chunks may ask for as much as these.
 */
const WINDOW_LOG = 23;

/** What a frame of a chunk may ask for, whoever reads it: what is taken in can be read again. */
export function windowLogFor(plainBytes: number): number {
  return Math.max(WINDOW_LOG, Math.ceil(Math.log2(plainBytes)));
}

/** A chunk of at most `maxBytes` in a zstd frame. @throws Error if it is anything else */
export function decompressUpTo(packed: Uint8Array, maxBytes: number): Buffer {
  return zlib.zstdDecompressSync(packed, {
    maxOutputLength: maxBytes,
    chunkSize: oneBufferFor(maxBytes),
    params: { [zlib.constants.ZSTD_d_windowLogMax]: windowLogFor(maxBytes) },
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
