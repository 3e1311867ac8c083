import type { BlobIndex, IndexedChunk } from './blob-index.ts';
import { chunkBatches } from './chunk-batches.ts';
import { digestBy } from './digest-algorithm.ts';
import { pause } from './pause.ts';

/** Tells whether a chunk is all zero. */
export type ZeroTeller = (chunk: IndexedChunk) => boolean;

/**
 * Tells which chunks of an image are all zero, by their digests. Only those of full length and the
 * last one are compared: cutting by content never ends a chunk within zeros. At most two digests
 * are computed, of one chunk each.
 */
export function zeroTeller(index: BlobIndex): ZeroTeller {
  const { sizeBytes, algorithm, chunkBytes } = index;
  let full: Buffer | undefined;
  let last: Buffer | undefined;
  return ({ offset, lengthBytes, digest }) => {
    if (lengthBytes === chunkBytes.max) {
      full ??= digestBy(algorithm, Buffer.alloc(lengthBytes));
      return digest.equals(full);
    }
    if (offset + lengthBytes < sizeBytes) return false;
    last ??= digestBy(algorithm, Buffer.alloc(lengthBytes));
    return digest.equals(last);
  };
}

/** Bytes of an image in chunks that are not all zero. @throws KgetError `corrupt` */
export async function dataBytesOf(index: BlobIndex, isZero: ZeroTeller): Promise<number> {
  let bytes = 0;
  for (const batch of chunkBatches(index)) {
    for (const chunk of batch) if (!isZero(chunk)) bytes += chunk.lengthBytes;
    await pause();
  }
  return bytes;
}
