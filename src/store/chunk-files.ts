import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { KgetError, systemCode, toFailure } from '../base/error.ts';
import { chunkFileOf } from '../content/chunk-name.ts';
import { readFully } from '../content/file-bytes.ts';
import { unpackChunk } from '../content/unpack-chunk.ts';
import type { ChunkName, ChunkReader } from './chunk-reader.ts';
import type { StorePlace } from './store-place.ts';
import { findInTrash } from './trash.ts';

/** What compression may add to a chunk that does not shrink: far more than it does. */
const MAX_OVERHEAD_BYTES = 64 * 1024;

/** A chunk may be set aside, or brought back, between two looks: first in the store, then aside. */
const LOOKS = 4;

/**
 * Reads the file of a chunk, and verifies it.
 * @throws KgetError `corrupt`, `source-unreadable`; Error the system's `ENOENT` if there is no file
 */
export type ReadChunkFile = (path: string, chunk: ChunkName) => Buffer | Promise<Buffer>;

/** Reads the chunks of a store from its files: by itself, or by what is given for that. */
export function chunkFiles(
  place: StorePlace,
  readFile: ReadChunkFile = readChunkFile,
): ChunkReader {
  return {
    async read(chunk) {
      const path = chunkFileOf(place.chunks, chunk.digest);
      for (let look = 0; look < LOOKS; look += 1) {
        const found = look % 2 === 0 ? path : findInTrash(place, chunk.digest);
        if (found === undefined) continue;
        try {
          return await readFile(found, chunk);
        } catch (error) {
          if (systemCode(error) !== 'ENOENT') throw error;
        }
      }
      throw missingChunk(path);
    },
    packedBytes(digest) {
      const path = chunkFileOf(place.chunks, digest);
      const found = statSync(path, { throwIfNoEntry: false });
      if (found !== undefined) return found.size;
      const aside = findInTrash(place, digest);
      return aside === undefined ? undefined : statSync(aside, { throwIfNoEntry: false })?.size;
    },
  };
}

/** See `ReadChunkFile`. */
export function readChunkFile(path: string, chunk: ChunkName): Buffer {
  return unpackChunk(readPackedChunk(path, chunk), chunk, path);
}

/** For a chunk without a file. */
export function missingChunk(path: string, cause?: unknown): KgetError {
  return new KgetError('corrupt', `Cannot read chunk ${path}: it is missing`, { cause });
}

/**
 * The file of a chunk as it is, if it is no larger than one may be.
 * @throws KgetError `corrupt`, `source-unreadable`; Error the system's `ENOENT` if there is no file
 */
export function readPackedChunk(path: string, { lengthBytes }: ChunkName): Buffer {
  try {
    const fd = openSync(path, 'r');
    try {
      const { size } = fstatSync(fd);
      if (size > lengthBytes + MAX_OVERHEAD_BYTES) {
        const sizes = `found ${size} B, wanted ${lengthBytes} B compressed`;
        throw new KgetError('corrupt', `Cannot use chunk ${path}: ${sizes}`);
      }
      const packed = Buffer.allocUnsafe(size);
      return packed.subarray(0, readFully(fd, packed, { offset: 0, length: size }));
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (cause instanceof KgetError || systemCode(cause) === 'ENOENT') throw cause;
    const found = toFailure(cause).message;
    throw new KgetError('source-unreadable', `Cannot read chunk ${path}: ${found}`, { cause });
  }
}
