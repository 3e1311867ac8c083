import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/error.ts';
import { digestOfChunkFile } from '../content/chunk-name.ts';
import { digestOf } from '../content/digest.ts';
import { MAX_CHUNK_BYTES } from '../content/shape.ts';
import { decompressUpTo } from '../content/zstd.ts';
import { readLeases } from './lease.ts';
import type { StorePlace } from './store-place.ts';

/** A chunk that a process has staged which ended before it could commit it. */
export interface LeftChunk {
  readonly path: string;
  readonly digest: Buffer;
  readonly packedBytes: number;
}

/**
 * What dead processes have left staged: whole chunks are yielded, and are for the caller to move
 * away before it asks for the next; all else is removed.
 */
export function* leftChunks(place: StorePlace): Generator<LeftChunk> {
  const alive = new Set(readLeases(place).flatMap(({ name, isAlive }) => (isAlive ? [name] : [])));
  for (const lease of namesIn(place.staging).filter((name) => !alive.has(name))) {
    const directory = join(place.staging, lease);
    for (const name of namesIn(directory)) {
      const path = join(directory, name);
      const digest = digestOfChunkFile(name);
      if (digest !== undefined && isWhole(path, digest)) {
        yield { path, digest, packedBytes: statSync(path).size };
      }
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

function isWhole(path: string, digest: Buffer): boolean {
  try {
    return digestOf(decompressUpTo(readFileSync(path), MAX_CHUNK_BYTES)).equals(digest);
  } catch {
    return false;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
