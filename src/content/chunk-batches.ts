import type { BlobIndex, IndexedChunk } from './blob-index.ts';

/** Chunks that are read at a time: 160 KiB of an index file. */
const BATCH = 4096;

/** All chunks of an image in order, in batches of bounded size. */
export function* chunkBatches(index: BlobIndex): Generator<readonly IndexedChunk[], void, void> {
  for (let first = 0; first < index.chunkCount; first += BATCH) {
    yield index.read(first, Math.min(BATCH, index.chunkCount - first));
  }
}
