import { systemCode } from '../base/error.ts';
import { chunkFileOf } from '../content/chunk-name.ts';
import { unpackChunk } from '../content/unpack-chunk.ts';
import { missingChunk, readPackedChunk } from './chunk-files.ts';
import type { ChunkName } from './chunk-reader.ts';
import type { StorePlace } from './store-place.ts';
import { findInTrash } from './trash.ts';

/** A chunk may be set aside, or brought back, between two looks: as `chunkFiles` looks. */
const LOOKS = 4;

/** A chunk both as its file has it, and unpacked and verified. */
export interface StoredChunk {
  readonly packed: Buffer;
  readonly plain: Buffer;
}

/**
 * Reads a chunk of a store at once, for whoever cannot wait: a few tenths of a millisecond.
 * @throws KgetError as `ChunkReader.read`
 */
export function readStoredChunk(place: StorePlace, chunk: ChunkName): StoredChunk {
  const path = chunkFileOf(place.chunks, chunk.digest);
  for (let look = 0; look < LOOKS; look += 1) {
    const found = look % 2 === 0 ? path : findInTrash(place, chunk.digest);
    if (found === undefined) continue;
    try {
      const packed = readPackedChunk(found, chunk);
      return { packed, plain: unpackChunk(packed, chunk, found) };
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }
  throw missingChunk(path);
}
