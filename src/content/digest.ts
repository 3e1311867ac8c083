import * as crypto from 'node:crypto';
import type { ImageShape } from './image.ts';
import { chunkLengthAt } from './shape.ts';

/** Zeros to compare with; longer buffers are compared piece by piece. */
const ZEROS = Buffer.alloc(1024 * 1024);

/** SHA-256 of `bytes`: 32 bytes. */
export function digestOf(bytes: Uint8Array): Buffer {
  // The one-shot call is twice as fast on short input; Node has it from 20.12 on.
  if (typeof crypto.hash === 'function') return crypto.hash('sha256', bytes, 'buffer');
  return crypto.createHash('sha256').update(bytes).digest();
}

/** True if every byte is zero; also for no bytes at all. */
export function isZero(bytes: Uint8Array): boolean {
  for (let from = 0; from < bytes.length; from += ZEROS.length) {
    const piece = bytes.subarray(from, from + ZEROS.length);
    if (!ZEROS.subarray(0, piece.length).equals(piece)) return false;
  }
  return true;
}

/** Digests of the zero chunks of one image. */
export interface ZeroDigests {
  /** The digest that the chunk at `position` has if it is all zero. */
  at(position: number): Buffer;
}

/**
 * Zero digests of an image: one for its full chunks and one for a short last chunk, computed once.
 */
export function zeroDigests(shape: ImageShape): ZeroDigests {
  const byLength = new Map<number, Buffer>();
  return {
    at(position) {
      const length = chunkLengthAt(shape, position);
      const cached = byLength.get(length);
      if (cached !== undefined) return cached;
      const digest = digestOf(Buffer.alloc(length));
      byLength.set(length, digest);
      return digest;
    },
  };
}
