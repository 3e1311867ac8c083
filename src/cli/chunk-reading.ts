import { startChunkThreads, type ChunkThreads } from '../store/chunk-threads.ts';
import type { StorePlace } from '../store/store-place.ts';
import type { System } from './system.ts';

/** Reads the chunks of a store, on a thread for each processor. */
export function readChunksOf(place: StorePlace, system: System): ChunkThreads {
  return startChunkThreads({
    place,
    workerFile: system.chunkWorkerFile,
    threads: system.processors,
  });
}
