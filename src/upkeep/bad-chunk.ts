import { existsSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { KgetError, systemCode, toFailure } from '../base/error.ts';
import { chunkFileOf } from '../content/chunk-name.ts';
import type { ChunkName, ChunkReader } from '../store/chunk-reader.ts';
import { syncDirectory } from '../content/durable.ts';
import type { StorePlace } from '../store/store-place.ts';
import { findInTrash } from '../store/trash.ts';
import type { BadChunk } from './verify-report.ts';

/** Damaged files of one chunk that are kept beside each other. */
const MAX_KEPT = 1000;

export interface FoundBad extends ChunkName {
  readonly kind: BadChunk['kind'];
  readonly message: string;
  readonly setAside: string | null;
}

/** Reads a chunk, again if it fails: what is then still wrong with it. */
export async function inspectChunk(
  reader: ChunkReader,
  chunk: ChunkName,
): Promise<Pick<FoundBad, 'kind' | 'message'> | undefined> {
  let failure: unknown;
  for (const _try of [1, 2]) {
    try {
      await reader.read(chunk);
      return undefined;
    } catch (error) {
      failure = error;
    }
  }
  const { message } = toFailure(failure);
  if (reader.packedBytes(chunk.digest) === undefined) return { kind: 'missing', message };
  return { kind: isDamage(failure) ? 'damaged' : 'unreadable', message };
}

/**
 * Gives the file of a damaged chunk another name, `<64 hex>.cacnk.bad`, so that a good one can come
 * in its place; it is never removed. Returns that name; undefined if the file is gone.
 * @throws Error the system's
 */
export async function setBadAside(
  place: StorePlace,
  { digest }: ChunkName,
): Promise<string | undefined> {
  const home = chunkFileOf(place.chunks, digest);
  const file = existsSync(home) ? home : findInTrash(place, digest);
  if (file === undefined) return undefined;
  const names = Array.from(
    { length: MAX_KEPT },
    (_, at) => `${home}.bad${at === 0 ? '' : `.${at}`}`,
  );
  const free = names.find((name) => !existsSync(name));
  if (free === undefined) throw new Error(`${home} was damaged ${MAX_KEPT} times`);
  renameSync(file, free);
  await syncDirectory(dirname(free));
  return free;
}

/** A sector that cannot be read counts as well; a file that we may not read does not. */
function isDamage(error: unknown): boolean {
  if (!(error instanceof KgetError)) return false;
  return error.code === 'corrupt' || systemCode(error.cause) === 'EIO';
}
