import type { BlobIndex, IndexedChunk } from '../content/blob-index.ts';
import type { ChunkReader } from '../store/chunk-reader.ts';
import { stopped } from './fill-part.ts';
import { inOrder } from './in-order.ts';
import { readChunk } from './read-chunk.ts';
import { BATCH_CHUNKS, zeroChunks } from './zero-chunks.ts';

export interface StreamOptions {
  readonly index: BlobIndex;
  readonly chunks: ChunkReader;
  /** The snapshot, for messages. */
  readonly title: string;
  readonly signal: AbortSignal;
}

/**
 * The bytes of an image from the first to the last, verified, chunk by chunk.
 * @throws KgetError `corrupt`, `source-unreadable`, `cancelled`
 */
export function imageStream(options: StreamOptions): AsyncGenerator<Buffer, void, void> {
  const { index, signal, title } = options;
  const zeros = zeroChunks(index);
  const zeroBytes = Buffer.alloc(index.chunkBytes.max);
  return inOrder(chunksOf(index), async (chunk) => {
    if (signal.aborted) throw stopped(title);
    if (zeros.has(chunk)) return zeroBytes.subarray(0, chunk.lengthBytes);
    return readChunk(options, chunk);
  });
}

/** All chunks of an index in order, in bounded memory. */
export function* chunksOf(index: BlobIndex): Generator<IndexedChunk, void, void> {
  for (let first = 0; first < index.chunkCount; first += BATCH_CHUNKS) {
    yield* index.read(first, Math.min(BATCH_CHUNKS, index.chunkCount - first));
  }
}
