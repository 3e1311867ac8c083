import { createCipheriv, createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

/** How much is made and written at a time. */
export const WRITE_BYTES = 1024 * 1024;

/** What an image is made of. */
export interface ImageOptions {
  readonly sizeBytes: number;
  /** How many bytes this image has for itself; the rest is the base that all share, and zeros. */
  readonly ownBytes: number;
  /** Tells the own bytes of one image from those of another. */
  readonly seed: string;
}

/** Makes a file, or makes one anew, that is closed when it is filled. */
export async function withNewFile(
  path: string,
  fill: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, 'w');
  try {
    await fill(file);
  } finally {
    await file.close();
  }
}

/** Writes all of `bytes`: a write may take less than it was given. */
export async function writeAll(file: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

/** The key stream of AES-128 in counter mode, piece by piece: it passes for noise, and is fast. */
export function noiseOf(seed: string): (bytes: number) => Buffer {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16, 32));
  const zeros = Buffer.alloc(WRITE_BYTES);
  return (bytes) => cipher.update(zeros.subarray(0, bytes));
}

/** Own bytes that do not fit: an error that says how many would. */
export function tooManyOwnBytes(path: string, options: ImageOptions, limit: number): Error {
  return new Error(
    `Cannot make ${path}: ${options.ownBytes} own bytes do not fit, wanted ${limit} at most`,
  );
}
