import { openBlobIndex } from '../content/blob-index.ts';
import { fileSha256 } from '../content/file-digest.ts';
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
    return { sizeBytes: index.sizeBytes, dataBytes, indexSha256: await fileSha256(path) };
  } finally {
    index.close();
  }
}
