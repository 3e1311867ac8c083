import { createHash } from 'node:crypto';
import { KgetError } from '../../src/base/error.ts';
import {
  DIGEST_BYTES,
  type ChunkRun,
  type ImageIndex,
  type ImageShape,
  type Landing,
  type ServedImage,
} from '../../src/content/image.ts';
import { chunkCountOf, chunkLengthAt } from '../../src/content/shape.ts';

export const CHUNK_BYTES = 4096;

export function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

export function shapeOf(bytes: Uint8Array): ImageShape {
  return { sizeBytes: bytes.length, chunkSizeBytes: CHUNK_BYTES };
}

function digestsOf(bytes: Buffer): Buffer {
  const shape = shapeOf(bytes);
  const digests: Buffer[] = [];
  for (let position = 0; position < chunkCountOf(shape); position += 1) {
    const start = position * CHUNK_BYTES;
    digests.push(digestOf(bytes.subarray(start, start + chunkLengthAt(shape, position))));
  }
  return Buffer.concat(digests);
}

/** An image in memory whose faults and scan are in the hands of a test. */
export interface MemoryImage extends ServedImage {
  /** The scan goes on to this many chunks. */
  scanTo(known: number): void;
  /** The scan fails. */
  failScan(error: KgetError): void;
  /** From now on the file is not the one that was scanned. */
  change(): void;
}

export interface MemoryImageOptions {
  /** Chunks that are scanned at the start; all of them if left out. */
  readonly known?: number;
  /** What is read in place of the bytes that were scanned. */
  readonly stored?: Buffer;
}

export function memoryImage(bytes: Buffer, options: MemoryImageOptions = {}): MemoryImage {
  const stored = options.stored ?? bytes;
  const digests = digestsOf(bytes);
  const chunkCount = digests.length / DIGEST_BYTES;
  let known = options.known ?? chunkCount;
  let failure: KgetError | undefined;
  let isChanged = false;
  let wake = new AbortController();

  const index: ImageIndex = {
    chunkCount,
    known: () => known,
    read: (first, count) => digests.subarray(first * DIGEST_BYTES, (first + count) * DIGEST_BYTES),
    waitFor: async (position, signal) => {
      for (;;) {
        if (position < known) return;
        if (failure !== undefined) throw failure;
        if (signal.aborted) throw new KgetError('cancelled', 'Cannot wait: stopped on request');
        const either = AbortSignal.any([signal, wake.signal]);
        await new Promise((resolve) => {
          either.addEventListener('abort', resolve, { once: true });
        });
      }
    },
  };

  function news(): void {
    wake.abort();
    wake = new AbortController();
  }

  return {
    shape: shapeOf(bytes),
    index,
    read: (pieces, offset) => {
      let from = offset;
      for (const piece of pieces) {
        piece.set(stored.subarray(from, from + piece.length));
        from += piece.length;
      }
    },
    confirmUnchanged: () => {
      if (isChanged) throw new KgetError('source-changed', 'Cannot use the image: it has changed');
    },
    scanTo: (count) => {
      known = count;
      news();
    },
    failScan: (error) => {
      failure = error;
      news();
    },
    change: () => {
      isChanged = true;
    },
  };
}

export interface MemoryLanding extends Landing {
  readonly bytes: Buffer;
  /** Positions in the order in which they were written. */
  readonly written: number[];
  /** The zstd frames that chunks came in, by position; none for those that came as they are. */
  readonly frames: Map<number, Buffer>;
}

export interface MemoryLandingOptions {
  readonly sizeBytes: number;
  /** What is at hand, to be found by digest. */
  readonly seeds?: readonly Buffer[];
  readonly onWrite?: (position: number) => void;
}

/** A landing in memory with seeds and duplicates, as the contract of `Landing` has it. */
export function memoryLanding(options: MemoryLandingOptions): MemoryLanding {
  const bytes = Buffer.alloc(options.sizeBytes);
  const shape = shapeOf(bytes);
  const atHand = new Map(
    (options.seeds ?? []).map((seed) => [digestOf(seed).toString('hex'), seed]),
  );
  const waiting = new Map<string, number[]>();
  const digestAt: string[] = [];
  const written: number[] = [];
  const frames = new Map<number, Buffer>();
  let doneBytes = 0;

  function place(position: number, chunk: Uint8Array): void {
    bytes.set(chunk, position * CHUNK_BYTES);
    doneBytes += chunk.length;
  }

  /** A short chunk is not to be had from a full one, whatever their digests are said to be. */
  function keyOf(position: number, digest: string): string {
    return `${chunkLengthAt(shape, position)} ${digest}`;
  }

  /** Whether the chunk has to be fetched. */
  function isMissing(position: number, digest: string): boolean {
    digestAt[position] = digest;
    const found = atHand.get(digest);
    const seed = found?.length === chunkLengthAt(shape, position) ? found : undefined;
    const key = keyOf(position, digest);
    const others = waiting.get(key);
    if (seed !== undefined) place(position, seed);
    else if (others !== undefined) others.push(position);
    else waiting.set(key, [position]);
    return seed === undefined && others === undefined;
  }

  return {
    bytes,
    written,
    frames,
    settle: async (first, digests) => {
      await Promise.resolve();
      const runs: ChunkRun[] = [];
      for (let at = 0; at < digests.length / DIGEST_BYTES; at += 1) {
        const digest = digests.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES);
        if (isMissing(first + at, digest.toString('hex')))
          runs.push({ first: first + at, count: 1 });
      }
      return joined(runs);
    },
    write: (position, { bytes: chunk, packed }) => {
      if (packed !== undefined) frames.set(position, Buffer.from(packed));
      options.onWrite?.(position);
      const digest = digestOf(chunk).toString('hex');
      if (digest !== digestAt[position] || chunk.length !== chunkLengthAt(shape, position)) {
        throw new KgetError('corrupt', `Cannot store chunk ${position}: it has another digest`);
      }
      written.push(position);
      const key = keyOf(position, digest);
      for (const other of waiting.get(key) ?? []) place(other, chunk);
      waiting.delete(key);
      atHand.set(digest, Buffer.from(chunk));
    },
    doneBytes: () => doneBytes,
  };
}

/** Runs that follow each other made one. */
function joined(runs: readonly ChunkRun[]): ChunkRun[] {
  const result: { first: number; count: number }[] = [];
  for (const { first, count } of runs) {
    const last = result.at(-1);
    if (last !== undefined && last.first + last.count === first) last.count += count;
    else result.push({ first, count });
  }
  return result;
}

/** Bytes that look random, the same for the same seed, and differ in every chunk. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}
