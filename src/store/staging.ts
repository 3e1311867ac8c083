import { readdirSync, readFileSync, rmSync } from 'node:fs';
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
  readonly digest: Buffer;
  readonly packed: Buffer;
}

/**
 * What dead processes have left staged: whole chunks are yielded; then all is removed. They are to
 * be written anew: a sync of these files may have failed, and what was lost by that is readable for
 * a while, but never gets to the disk.
 */
export function* leftChunks(place: StorePlace): Generator<LeftChunk> {
  const alive = new Set(readLeases(place).flatMap(({ name, isAlive }) => (isAlive ? [name] : [])));
  for (const lease of namesIn(place.staging).filter((name) => !alive.has(name))) {
    const directory = join(place.staging, lease);
    for (const name of namesIn(directory)) {
      const path = join(directory, name);
      const digest = digestOfChunkFile(name);
      const packed = digest && readWhole(path, digest);
      if (digest !== undefined && packed !== undefined) yield { digest, packed };
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The bytes of a staged chunk; undefined if it is not whole, or gone. */
function readWhole(path: string, digest: Buffer): Buffer | undefined {
  try {
    const packed = readFileSync(path);
    const isWhole = digestOf(decompressUpTo(packed, MAX_CHUNK_BYTES)).equals(digest);
    return isWhole ? packed : undefined;
  } catch {
    return undefined;
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
