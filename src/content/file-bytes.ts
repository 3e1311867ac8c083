import { readSync, readvSync, writeSync } from 'node:fs';

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

/**
 * Fills the pieces one after the other with the bytes from `offset` on, in one call if the system
 * lets it. Returns the bytes read: fewer than there is room for only if the file ends before.
 */
export function readPieces(fd: number, pieces: readonly Uint8Array[], offset: number): number {
  let done = readvSync(fd, pieces, offset);
  let start = 0;
  for (const piece of pieces) {
    const end = start + piece.length;
    if (done < end) {
      const rest = piece.subarray(done - start);
      done += readFully(fd, rest, { offset: offset + done, length: rest.length });
      if (done < end) break;
    }
    start = end;
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
