import { KgetError } from '../base/error.ts';
import type { ImageShape } from '../content/image.ts';
import { chunkCountOf, isChunkSize } from '../content/shape.ts';
import { MAX_CHUNKS } from './limits.ts';

/** @throws KgetError `protocol` if an image of this shape cannot be transferred */
export function checkShape(shape: ImageShape): void {
  const { sizeBytes, chunkSizeBytes } = shape;
  if (!isChunkSize(chunkSizeBytes)) {
    throw new KgetError(
      'protocol',
      `Cannot transfer chunks of ${chunkSizeBytes} B: wanted a power of two from 4 KiB to 16 MiB`,
    );
  }
  if (chunkCountOf(shape) > MAX_CHUNKS) {
    throw new KgetError(
      'protocol',
      `Cannot transfer an image of ${sizeBytes} B in chunks of ${chunkSizeBytes} B: ` +
        `${chunkCountOf(shape)} chunks, wanted at most ${MAX_CHUNKS}; use larger chunks`,
    );
  }
}
