import { KgetError } from '../base/error.ts';
import type { ImageIndex, ImageShape, ServedImage } from '../content/image.ts';
import type { OpenFiles } from '../content/open-files.ts';
import { chunkCountOf } from '../content/shape.ts';
import { confirmIdentity, type FileIdentity, readFailure, readSource } from './source-file.ts';

/**
 * Serves the image that the file looked at as `identity` holds, by its index: a source that is
 * being scanned, or a spooled image. The file is opened through `files` when it is needed.
 * @throws KgetError `corrupt` if the index is for another number of chunks
 */
export function fileImage(options: {
  readonly identity: FileIdentity;
  readonly index: ImageIndex;
  readonly chunkSizeBytes: number;
  readonly files: OpenFiles;
}): ServedImage {
  const { identity, index, chunkSizeBytes, files } = options;
  const { path, sizeBytes } = identity;
  const shape: ImageShape = { sizeBytes, chunkSizeBytes };
  if (index.chunkCount !== chunkCountOf(shape)) {
    const chunks = `found ${chunkCountOf(shape)} chunks, its index wants ${index.chunkCount}`;
    throw new KgetError('corrupt', `Cannot serve ${path}: ${chunks}`);
  }

  function descriptor(): number {
    try {
      return files.descriptor(path);
    } catch (error) {
      throw readFailure(path, error);
    }
  }
  return {
    shape,
    index,
    read(pieces, offset) {
      readSource({ fd: descriptor(), path }, pieces, offset);
    },
    confirmUnchanged() {
      confirmIdentity(descriptor(), identity);
    },
  };
}
