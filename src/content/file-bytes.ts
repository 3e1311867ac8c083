import { readSync, writeSync } from 'node:fs';

/** A part of a file, in bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * Reads `length` bytes from `offset` into the start of `into`, however many calls it takes.
 * Returns the bytes read: fewer than `length` only if the file ends before.
 */
export function readFully(fd: number, into: Uint8Array, range: ByteRange): number {
  let done = 0;
  while (done < range.length) {
    const count = readSync(fd, into, done, range.length - done, range.offset + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** Writes all of `bytes` at `offset`, however many calls it takes. */
export function writeFully(fd: number, bytes: Uint8Array, offset: number): void {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
  }
}
