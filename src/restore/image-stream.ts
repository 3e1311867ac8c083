import type { BlobIndex, IndexedChunk } from '../content/blob-index.ts';
import type { ChunkReader } from '../store/chunk-reader.ts';
import { stopped } from './fill-part.ts';
import { inOrder } from './in-order.ts';
import { readChunk } from './read-chunk.ts';
import { chunkBatches } from '../content/chunk-batches.ts';
import { zeroTeller } from '../content/zero-chunks.ts';

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
  const zeros = zeroTeller(index);
  const zeroBytes = Buffer.alloc(index.chunkBytes.max);
  return inOrder(chunksOf(index), async (chunk) => {
    if (signal.aborted) throw stopped(title);
    if (zeros(chunk)) return zeroBytes.subarray(0, chunk.lengthBytes);
    return readChunk(options, chunk);
  });
}

/** All chunks of an index in order, in bounded memory. */
export function* chunksOf(index: BlobIndex): Generator<IndexedChunk, void, void> {
  for (const batch of chunkBatches(index)) yield* batch;
}
