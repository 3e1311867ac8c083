import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import { type BlobIndex, openBlobIndex } from './blob-index.ts';
import type { ImageIndex, ImageShape } from './image.ts';
import { isChunkSize } from './shape.ts';

/**
 * A finished index on disk. `read` throws KgetError `corrupt` if the file has been cut short since.
 */
export interface StoredIndex extends ImageIndex {
  readonly shape: ImageShape;
  /** Closes the file. Idempotent. */
  close(): void;
}

/**
 * Opens an index file (`.caibx`) of the kind that gathers work with, fixed chunks with SHA-256, and
 * checks all of it but the digests, in bounded memory.
 * @throws KgetError `source-unreadable` if it cannot be opened, `corrupt` if anything is wrong
 */
export async function openIndex(path: string): Promise<StoredIndex> {
  const index = await openBlobIndex(path);
  const { chunkCount, sizeBytes, chunkBytes } = index;
  const defect = defectOf(index);
  if (defect !== undefined) {
    index.close();
    throw new KgetError('corrupt', `Cannot use index ${path}: ${defect}`);
  }
  return {
    shape: { sizeBytes, chunkSizeBytes: chunkBytes.max },
    chunkCount,
    known: () => chunkCount,
    read: (first, count) => index.digests(first, count),
    async waitFor(position) {
      assert(position < chunkCount, `chunk ${position} is beyond the image`);
    },
    close: () => index.close(),
  };
}

function defectOf({ algorithm, isFixed, chunkBytes }: BlobIndex): string | undefined {
  const { min, max } = chunkBytes;
  if (algorithm !== 'sha256') return `found digests by ${algorithm}, wanted sha256`;
  if (!isFixed) return `found chunks of ${min} to ${max} B, wanted chunks of one fixed size`;
  if (isChunkSize(max)) return undefined;
  return `found chunks of ${max} B, wanted a power of two from 4 KiB to 16 MiB`;
}
