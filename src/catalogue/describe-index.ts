import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { openBlobIndex } from '../content/blob-index.ts';
import { dataBytesOf, zeroTeller } from '../content/zero-chunks.ts';
import type { ManifestImage } from './manifest.ts';

/**
 * What a manifest says of an image that its index tells. Bounded memory: a batch of chunks.
 * @throws KgetError `source-unreadable`, `corrupt`
 */
export async function describeIndex(
  path: string,
): Promise<Pick<ManifestImage, 'sizeBytes' | 'dataBytes' | 'indexSha256'>> {
  const index = await openBlobIndex(path);
  try {
    const dataBytes = await dataBytesOf(index, zeroTeller(index));
    return { sizeBytes: index.sizeBytes, dataBytes, indexSha256: await sha256Of(path) };
  } finally {
    index.close();
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}
