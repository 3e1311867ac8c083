import type { BlobIndex, IndexedChunk } from '../content/blob-index.ts';
import { digestBy } from '../content/digest-algorithm.ts';
import { pause } from '../content/pause.ts';

/** Chunks of an index that are looked at between two pauses. */
export const BATCH_CHUNKS = 4096;

/** Tells which chunks of an image are all zero, by their digests. */
export interface ZeroChunks {
  has(chunk: IndexedChunk): boolean;
}

/**
 * Zeros are found among chunks of the largest size and in the last one. Those cut by content have
 * that size, too, where there is nothing to cut at.
 */
export function zeroChunks(index: BlobIndex): ZeroChunks {
  const lengths = new Set([index.chunkBytes.max]);
  const [last] = index.chunkCount === 0 ? [] : index.read(index.chunkCount - 1, 1);
  if (last !== undefined) lengths.add(last.lengthBytes);
  const digests = new Map(
    [...lengths].map((length) => [length, digestBy(index.algorithm, Buffer.alloc(length))]),
  );
  return {
    has: ({ lengthBytes, digest }) => digests.get(lengthBytes)?.equals(digest) === true,
  };
}

/** Bytes of an image in chunks that are not all zero. @throws KgetError `corrupt` */
export async function dataBytesOf(index: BlobIndex, zeros: ZeroChunks): Promise<number> {
  let bytes = 0;
  for (let first = 0; first < index.chunkCount; first += BATCH_CHUNKS) {
    for (const chunk of index.read(first, Math.min(BATCH_CHUNKS, index.chunkCount - first))) {
      if (!zeros.has(chunk)) bytes += chunk.lengthBytes;
    }
    await pause();
  }
  return bytes;
}
