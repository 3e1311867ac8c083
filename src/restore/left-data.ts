import { dataRuns } from '../content/extents.ts';
import type { ChunkRun } from '../content/image.ts';

/** Extents are told apart in these: the block of most file systems. */
const BLOCK_BYTES = 4096;

/** Where a part file may hold data of an earlier try; all else are holes. */
export interface LeftData {
  /**
   * Whether there may be data from byte `from` to before byte `to`. Asked in ascending order,
   * without overlaps.
   */
  mayBeIn(from: number, to: number): Promise<boolean>;
  close(): Promise<void>;
}

/** Looks at the first `sizeBytes` of a part file as it is now, while it is asked. */
export function leftData(path: string, sizeBytes: number, signal: AbortSignal): LeftData {
  if (sizeBytes === 0) return { mayBeIn: async () => false, close: async () => {} };
  const shape = { sizeBytes, chunkSizeBytes: BLOCK_BYTES };
  const runs = dataRuns(path, shape, { signal });
  let run: ChunkRun | undefined = { first: 0, count: 0 };
  return {
    async mayBeIn(from, to) {
      while (run !== undefined && (run.first + run.count) * BLOCK_BYTES <= from) {
        const next = await runs.next();
        run = next.done === true ? undefined : next.value;
      }
      return run !== undefined && run.first * BLOCK_BYTES < to;
    },
    async close() {
      await runs.return();
    },
  };
}
