import { assert } from '../base/assert.ts';
import type { ImageShape } from './image.ts';

/** The smallest chunk: a page, and the block of most file systems. */
const MIN_CHUNK_BYTES = 4 * 1024;

/** The largest chunk: a chunk is held in memory whole. */
export const MAX_CHUNK_BYTES = 16 * 1024 * 1024;

/** True for the chunk sizes that Kget+ works with: powers of two from 4 KiB to 16 MiB. */
export function isChunkSize(bytes: number): boolean {
  if (!Number.isInteger(bytes) || bytes < MIN_CHUNK_BYTES || bytes > MAX_CHUNK_BYTES) return false;
  return Number.isInteger(Math.log2(bytes));
}

/** How many chunks an image has; none if it is empty. */
export function chunkCountOf(shape: ImageShape): number {
  return Math.ceil(shape.sizeBytes / shape.chunkSizeBytes);
}

/** Length of the chunk at `position` in bytes: shorter than the others only for the last one. */
export function chunkLengthAt(shape: ImageShape, position: number): number {
  const offset = position * shape.chunkSizeBytes;
  return Math.min(shape.chunkSizeBytes, shape.sizeBytes - offset);
}

/** Ends the current action unless `shape` is one that Kget+ works with; for programmer errors. */
export function assertShape(shape: ImageShape): void {
  assert(isChunkSize(shape.chunkSizeBytes), `chunk size ${shape.chunkSizeBytes}`);
  assert(
    Number.isSafeInteger(shape.sizeBytes) && shape.sizeBytes >= 0,
    `image size ${shape.sizeBytes}`,
  );
}
