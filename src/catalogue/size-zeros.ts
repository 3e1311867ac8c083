import type { BlobIndex, IndexedChunk } from '../content/blob-index.ts';
import { digestBy } from '../content/digest-algorithm.ts';

/**
 * Tells which chunks of an image are all zero, by their digests. Only those of full length and the
 * last one are compared: cutting by content never ends a chunk within zeros. At most two digests
 * are computed, of one chunk each.
 */
export function zeroTeller(index: BlobIndex): (chunk: IndexedChunk) => boolean {
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
