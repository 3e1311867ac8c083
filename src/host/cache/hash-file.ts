import { rmSync } from 'node:fs';
import { growIndex } from '../../content/growing-index.ts';
import type { ServedImage } from '../../content/image.ts';
import type { OpenFiles } from '../../content/open-files.ts';
import { fileImage } from '../../source/file-image.ts';
import { scanImage } from '../../source/scan.ts';
import { identify } from '../../source/source-file.ts';

export interface HashedFile {
  /** SHA-256 over the digests of its chunks in order, hexadecimal. */
  readonly digest: string;
  readonly image: ServedImage;
}

/**
 * Hashes a file of this host, and makes it one that can be served; its index goes to `indexPath`.
 * @throws KgetError `source-unreadable`, `source-changed`, `cancelled`, `no-room`
 */
export async function hashFile(options: {
  readonly path: string;
  readonly indexPath: string;
  readonly chunkSizeBytes: number;
  readonly files: OpenFiles;
  readonly signal: AbortSignal;
}): Promise<HashedFile> {
  const { path, indexPath, chunkSizeBytes, files, signal } = options;
  const identity = identify(path);
  const shape = { sizeBytes: identity.sizeBytes, chunkSizeBytes };
  const index = growIndex({ path: indexPath, shape, files });
  try {
    const { imageDigest } = await scanImage({ identity, index, signal });
    return { digest: imageDigest, image: fileImage({ identity, index, chunkSizeBytes, files }) };
  } catch (error) {
    index.close();
    rmSync(indexPath, { force: true });
    throw error;
  }
}
