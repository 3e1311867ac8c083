import { renameSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { KgetError } from '../base/error.ts';
import { openBlobIndex } from '../content/blob-index.ts';
import { syncDirectory } from '../content/durable.ts';
import type { ChunkWriter } from '../store/chunk-writer.ts';
import { chunksOf } from './image-stream.ts';

/** What the import of an image file and that of an index have in common. */
export interface ImportOptions {
  readonly writer: ChunkWriter;
  /** The final path of the snapshot's index. */
  readonly indexPath: string;
  readonly signal: AbortSignal;
  onBegin?(sizeBytes: number): void;
  onProgress?(doneBytes: number): void;
}

/** Gives an index, which is complete and synced, its name: from then on it is a snapshot. */
export async function publishIndex(
  { writer, indexPath }: ImportOptions,
  part: string,
): Promise<void> {
  await writer.commit();
  renameSync(part, indexPath);
  await syncDirectory(dirname(indexPath));
  // Now that it counts: what was set aside since we looked is brought back.
  const index = await openBlobIndex(indexPath);
  try {
    for (const { digest } of chunksOf(index)) {
      if (writer.has(digest)) continue;
      const found = `chunk ${digest.toString('hex')} of ${basename(indexPath)} went meanwhile`;
      throw new KgetError('corrupt', `Cannot import: ${found}; import again`);
    }
  } finally {
    index.close();
  }
}
