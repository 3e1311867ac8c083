import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/error.ts';
import { digestOfChunkFile } from '../content/chunk-name.ts';
import type { StorePlace } from '../store/store-place.ts';
import { trashBatches } from '../store/trash.ts';

/** A number of files, and their bytes. */
export interface FileTotals {
  readonly chunks: number;
  readonly bytes: number;
}

/** What `prune` has set aside, as far as it is still there; one name is held at a time. */
export async function setAsideIn(place: StorePlace): Promise<FileTotals> {
  const totals = { chunks: 0, bytes: 0 };
  for (const { directory } of trashBatches(place)) {
    for await (const name of namesIn(directory)) {
      if (digestOfChunkFile(name) === undefined) continue;
      const bytes = await sizeOf(join(directory, name));
      if (bytes === undefined) continue;
      totals.chunks += 1;
      totals.bytes += bytes;
    }
  }
  return totals;
}

async function* namesIn(directory: string): AsyncGenerator<string, void> {
  try {
    for await (const entry of await opendir(directory)) yield entry.name;
  } catch (error) {
    // Swept meanwhile, or no batch.
    if (!isGone(error)) throw error;
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
}
