import { dirname } from 'node:path';
import { statSync } from 'node:fs';
import { KgetError } from '../base/error.ts';
import { openBlobIndex } from '../content/blob-index.ts';
import { partPathOf } from '../content/part-file.ts';
import { ensureRoom } from '../content/room.ts';
import type { ChunkReader } from '../store/chunk-reader.ts';
import { type Restored, restoreImage } from './restore-image.ts';
import type { Placed } from './target-paths.ts';
import { dataBytesOf, zeroTeller } from '../content/zero-chunks.ts';

export interface RestoreAllOptions {
  readonly chunks: ChunkReader;
  readonly force: boolean;
  readonly seeds: readonly string[];
  readonly signal: AbortSignal;
  /** A snapshot is begun. */
  onBegin(placed: Placed, sizeBytes: number): void;
  onProgress(doneBytes: number): void;
  /** A snapshot is done. */
  onRestored(placed: Placed, restored: Restored): void;
  /** A snapshot cannot be restored; the others are. */
  onFailed(placed: Placed, error: KgetError): void;
}

/**
 * Restores snapshots one after the other; one that fails does not stop the others.
 * @throws KgetError `no-room` before anything is written if there is no room for all, `cancelled`;
 * Error for a fault of our own
 */
export async function restoreAll(
  placed: readonly Placed[],
  options: RestoreAllOptions,
): Promise<void> {
  if (placed.length > 1) await ensureRoomForAll(placed, options);
  for (const one of placed) {
    try {
      options.onRestored(one, await restoreOne(one, options));
    } catch (error) {
      if (!(error instanceof KgetError) || error.code === 'cancelled') throw error;
      options.onFailed(one, error);
    }
  }
}

async function restoreOne(placed: Placed, options: RestoreAllOptions): Promise<Restored> {
  const { snapshot, path } = placed;
  const index = await openBlobIndex(snapshot.indexPath);
  try {
    options.onBegin(placed, index.sizeBytes);
    const { chunks, force, seeds, signal, onProgress } = options;
    const title = `snapshot ${snapshot.id}`;
    return await restoreImage({ index, path, title, chunks, force, seeds, signal, onProgress });
  } finally {
    index.close();
  }
}

/** What is cloned from seeds takes no room, and nobody knows how much that is. */
async function ensureRoomForAll(
  placed: readonly Placed[],
  { force, seeds }: RestoreAllOptions,
): Promise<void> {
  if (force || seeds.length > 0) return;
  let neededBytes = 0;
  for (const { snapshot, path } of placed) {
    const dataBytes = await dataBytesIn(snapshot.indexPath);
    const part = statSync(partPathOf(path), { throwIfNoEntry: false });
    neededBytes += Math.max(dataBytes - (part?.blocks ?? 0) * 512, 0);
  }
  const directory = nearestDirectory(placed[0]?.path ?? '.');
  ensureRoom({ title: `${placed.length} snapshots`, directory, neededBytes });
}

/** Bytes of data of a snapshot; none if its index cannot be read, which its own turn tells. */
async function dataBytesIn(indexPath: string): Promise<number> {
  try {
    const index = await openBlobIndex(indexPath);
    try {
      return await dataBytesOf(index, zeroTeller(index));
    } finally {
      index.close();
    }
  } catch {
    return 0;
  }
}

function nearestDirectory(path: string): string {
  let directory = dirname(path);
  while (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    directory = dirname(directory);
  }
  return directory;
}
