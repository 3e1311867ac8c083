import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { systemCode } from '../base/error.ts';
import { chunkFileOf } from '../content/chunk-name.ts';
import type { StorePlace } from './store-place.ts';

/**
 * Chunks that no snapshot needed when `prune` looked. They stay readable until nobody can rely on
 * them any more: `<batch>/<64 hex>.cacnk`, a batch for each prune that set something aside.
 */
export interface TrashBatch {
  readonly name: string;
  readonly directory: string;
}

/** The batches of a store, the oldest first. */
export function trashBatches(place: StorePlace): readonly TrashBatch[] {
  if (!isThere(place.trash)) return [];
  return readdirSync(place.trash)
    .toSorted()
    .map((name) => ({ name, directory: join(place.trash, name) }));
}

/** Where a chunk lies that was set aside; undefined if it was not. */
export function findInTrash(place: StorePlace, digest: Buffer): string | undefined {
  const name = basename(chunkFileOf(place.chunks, digest));
  return trashBatches(place)
    .map(({ directory }) => join(directory, name))
    .find(isThere);
}

/** Brings a chunk back that was set aside; false if it is not there (any more). */
export function restoreFromTrash(place: StorePlace, digest: Buffer): boolean {
  const aside = findInTrash(place, digest);
  if (aside === undefined) return false;
  const file = chunkFileOf(place.chunks, digest);
  try {
    mkdirSync(dirname(file), { recursive: true });
    renameSync(aside, file);
    return true;
  } catch (error) {
    // It was swept in this moment.
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
