import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { openBlobIndex } from '../content/blob-index.ts';
import { digestBy } from '../content/digest-algorithm.ts';
import { pause } from '../content/pause.ts';
import type { ManifestImage } from './manifest.ts';

/** Chunks that are looked at between two pauses. */
const BATCH_CHUNKS = 4096;

/**
 * What a manifest says of an image that its index tells. Bounded memory: a batch of chunks.
 * @throws KgetError `source-unreadable`, `corrupt`
 */
export async function describeIndex(
  path: string,
): Promise<Pick<ManifestImage, 'sizeBytes' | 'dataBytes' | 'indexSha256'>> {
  const index = await openBlobIndex(path);
  try {
    const { sizeBytes, algorithm, chunkBytes } = index;
    // Chunks of zeros are as long as chunks may be, wherever they are cut; the last one is left out.
    const zeros = digestBy(algorithm, Buffer.alloc(Math.min(chunkBytes.max, sizeBytes)));
    let dataBytes = 0;
    for (let first = 0; first < index.chunkCount; first += BATCH_CHUNKS) {
      const count = Math.min(BATCH_CHUNKS, index.chunkCount - first);
      for (const { lengthBytes, digest } of index.read(first, count)) {
        if (!digest.equals(zeros)) dataBytes += lengthBytes;
      }
      await pause();
    }
    return { sizeBytes, dataBytes, indexSha256: await sha256Of(path) };
  } finally {
    index.close();
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}
