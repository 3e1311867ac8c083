import { renameSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { KgetError } from '../base/error.ts';
import { openBlobIndex } from '../content/blob-index.ts';
import { chunkBatches } from '../content/chunk-batches.ts';
import { syncDirectory } from '../content/durable.ts';
import { pause } from '../content/pause.ts';
import type { ChunkWriter } from './chunk-writer.ts';
import type { StorePlace } from './store-place.ts';
import { trashBatches } from './trash.ts';

/** An index that is complete and synced, whose chunks the writer has. */
export interface IndexPublication {
  readonly place: StorePlace;
  readonly writer: ChunkWriter;
  readonly partPath: string;
  /** The name that it is to get, in the same directory. */
  readonly indexPath: string;
}

/**
 * Makes the chunks of an index durable, and gives it its name: from then on it is a snapshot. Now
 * that it counts, what of it was set aside since it was looked for is brought back.
 * @throws KgetError `corrupt` if a chunk went meanwhile; Error the system's
 */
export async function publishIndex(publication: IndexPublication): Promise<void> {
  const { place, writer, partPath, indexPath } = publication;
  await writer.commit();
  renameSync(partPath, indexPath);
  await syncDirectory(dirname(indexPath));
  if (trashBatches(place).length === 0) return;
  await bringBack(writer, indexPath);
  await writer.commit();
}

async function bringBack(writer: ChunkWriter, indexPath: string): Promise<void> {
  const index = await openBlobIndex(indexPath);
  try {
    for (const batch of chunkBatches(index)) {
      for (const { digest } of batch) if (!writer.has(digest)) throw lost(digest, indexPath);
      await pause();
    }
  } finally {
    index.close();
  }
}

function lost(digest: Buffer, indexPath: string): KgetError {
  return new KgetError(
    'corrupt',
    `Cannot store ${basename(indexPath)}: chunk ${digest.toString('hex')} went meanwhile; ` +
      'bring the image again',
  );
}
