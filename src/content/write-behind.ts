import { writev } from 'node:fs';
import { writeFully } from './file-bytes.ts';

/** Bytes of chunks on their way to a file in the background, at most (but always one chunk). */
const MAX_BEHIND_BYTES = 4 * 1024 * 1024;

/**
 * Writes chunks to a file in the background, so that the event loop can verify the next ones
 * meanwhile: one write at a time, of as many neighbours as there are. A chunk for which no buffer
 * is free is written at once: memory stays bounded, and the disk sets the pace.
 */
export interface WriteBehind {
  /**
   * Writes `bytes`, at most a chunk, at `offset`; they may be reused afterwards.
   * @throws Error the system's, also that of an earlier write
   */
  write(bytes: Uint8Array, offset: number): void;
  /** Resolves when all that was written is in the file. @throws Error the system's */
  idle(): Promise<void>;
}

interface Piece {
  readonly buffer: Buffer;
  readonly length: number;
  readonly offset: number;
}

export interface WriteBehindOptions {
  readonly fd: number;
  readonly chunkSizeBytes: number;
  /** What was written at `offset` can be read from the file. */
  onWritten?(offset: number): void;
}

export function createWriteBehind(options: WriteBehindOptions): WriteBehind {
  const { fd, chunkSizeBytes } = options;
  const free: Buffer[] = [];
  const queue: Piece[] = [];
  const waiting: (() => void)[] = [];
  let unmade = Math.max(1, Math.floor(MAX_BEHIND_BYTES / chunkSizeBytes));
  let isWriting = false;
  let failure: { readonly cause: unknown } | undefined;

  function rethrow(): void {
    if (failure !== undefined) throw failure.cause;
  }
  function freeBuffer(): Buffer | undefined {
    if (free.length > 0 || unmade === 0) return free.pop();
    unmade -= 1;
    return Buffer.allocUnsafeSlow(chunkSizeBytes);
  }
  function writeNext(): void {
    const pieces = queue.splice(0, neighbours(queue));
    const [first] = pieces;
    isWriting = first !== undefined;
    if (first === undefined) {
      for (const resolve of waiting.splice(0)) resolve();
      return;
    }
    const bytes = pieces.map(({ buffer, length }) => buffer.subarray(0, length));
    writev(fd, bytes, first.offset, (error, written) => {
      try {
        if (error !== null) throw error;
        finish(pieces, written);
      } catch (cause) {
        failure ??= { cause };
      }
      free.push(...pieces.map(({ buffer }) => buffer));
      writeNext();
    });
  }
  /** A write that took less than it was given says why when it goes on. */
  function finish(pieces: readonly Piece[], written: number): void {
    let left = written;
    for (const { buffer, length, offset } of pieces) {
      const done = Math.min(left, length);
      left -= done;
      writeFully(fd, buffer.subarray(done, length), offset + done);
      options.onWritten?.(offset);
    }
  }
  return {
    write(bytes, offset) {
      rethrow();
      const buffer = freeBuffer();
      if (buffer === undefined) {
        writeFully(fd, bytes, offset);
        options.onWritten?.(offset);
        return;
      }
      buffer.set(bytes);
      queue.push({ buffer, length: bytes.length, offset });
      if (!isWriting) writeNext();
    },
    async idle() {
      if (isWriting) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
        });
      }
      rethrow();
    },
  };
}

/** How many pieces from the first on follow each other in the file. */
function neighbours(queue: readonly Piece[]): number {
  let count = 0;
  let end = queue[0]?.offset;
  while (queue[count]?.offset === end && end !== undefined) {
    end += queue[count]?.length ?? 0;
    count += 1;
  }
  return count;
}
