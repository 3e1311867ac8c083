import { Worker } from 'node:worker_threads';
import { KgetError, type ErrorCode } from '../base/error.ts';
import { chunkFiles } from './chunk-files.ts';
import type { ChunkName, ChunkReader } from './chunk-reader.ts';
import type { StorePlace } from './store-place.ts';

/** More threads than this bring little: the thread that takes what they have read is busy then. */
const MAX_THREADS = 8;

/** What a thread is asked for. */
export interface ChunkRequest {
  readonly id: number;
  readonly path: string;
  readonly chunk: ChunkName;
}

/** What it answers; `code` is one of ours, or the system's. */
export type ChunkAnswer =
  | { readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly code: string; readonly message: string };

/**
 * A chunk reader that reads, decompresses and hashes on several threads, which end when it is
 * disposed of; what is being read then fails.
 */
export interface ChunkThreads extends ChunkReader, AsyncDisposable {}

export interface ChunkThreadsOptions {
  readonly place: StorePlace;
  /** The file of `chunk-worker.ts`, or what was made of it. */
  readonly workerFile: string;
  readonly threads: number;
}

/** Starts threads that read the chunks of a store, at most `MAX_THREADS`. */
export function startChunkThreads(options: ChunkThreadsOptions): ChunkThreads {
  const { place, workerFile } = options;
  const threads = Array.from({ length: Math.min(options.threads, MAX_THREADS) }, () =>
    startThread(workerFile),
  );
  const reader = chunkFiles(place, (path, chunk) => {
    const idlest = threads.reduce((one, other) => (other.busy() < one.busy() ? other : one));
    return idlest.read(path, chunk);
  });
  return {
    ...reader,
    async [Symbol.asyncDispose]() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

/** A chunk that somebody waits for. */
interface Asked {
  resolve(bytes: Buffer): void;
  reject(error: Error): void;
}

interface ChunkThread {
  /** Chunks that it is asked for. */
  busy(): number;
  read(path: string, chunk: ChunkName): Promise<Buffer>;
  close(): Promise<void>;
}

function startThread(file: string): ChunkThread {
  const worker = new Worker(file);
  const waiting = new Map<number, Asked>();
  let next = 0;

  worker.on('message', (answer: ChunkAnswer) => {
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (waiting.size === 0) worker.unref();
    if ('bytes' in answer) {
      const { buffer, byteOffset, byteLength } = answer.bytes;
      asked?.resolve(Buffer.from(buffer, byteOffset, byteLength));
    } else asked?.reject(errorOf(answer));
  });
  function failAll(error: Error): void {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }
  worker.on('error', failAll);
  worker.on('exit', () => failAll(new KgetError('cancelled', 'Stopped reading chunks')));
  worker.unref();
  return {
    busy: () => waiting.size,
    read: (path, chunk) =>
      new Promise((resolve, reject) => {
        const request: ChunkRequest = { id: next, path, chunk };
        waiting.set(next, { resolve, reject });
        next += 1;
        worker.ref();
        worker.postMessage(request, []);
      }),
    async close() {
      await worker.terminate();
    },
  };
}

function errorOf({ code, message }: { code: string; message: string }): Error {
  if (code === 'ENOENT') return Object.assign(new Error(message), { code });
  return new KgetError(code as ErrorCode, message);
}
