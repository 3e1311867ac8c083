import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import type { ChunkRun, ImageShape } from '../content/image.ts';
import { chunkLengthAt } from '../content/shape.ts';
import { MAX_WANT_RUNS, WINDOW_BYTES, WINDOW_CHUNKS, WINDOW_STEP_BYTES } from './limits.ts';

/** Which chunks are wanted, which of them were asked for, and which of those is due next. */
export interface WantWindow {
  /** More chunks are wanted, after all those that were wanted before. */
  add(runs: readonly ChunkRun[]): void;
  /** What is to be asked for now; nothing while enough is in flight. */
  next(): readonly ChunkRun[];
  /**
   * The chunk at `position` has come. @returns its length @throws KgetError `protocol` if it is not
   * due
   */
  arrive(position: number): number;
  /** Chunks that are wanted and were not asked for. */
  pendingChunks(): number;
  /** Whether chunks that were asked for have not come. */
  isInFlight(): boolean;
  isEmpty(): boolean;
}

interface OpenRun {
  next: number;
  end: number;
}

/**
 * Asks in steps, so that requests are few, and keeps the rest of the window in flight meanwhile.
 */
export function wantWindow(shape: ImageShape): WantWindow {
  const pending: OpenRun[] = [];
  const due: OpenRun[] = [];
  let pendingChunks = 0;
  let inFlightChunks = 0;
  let inFlightBytes = 0;

  function next(): readonly ChunkRun[] {
    const isLow =
      inFlightBytes <= WINDOW_BYTES - WINDOW_STEP_BYTES && inFlightChunks <= WINDOW_CHUNKS / 2;
    const runs: ChunkRun[] = [];
    if (!isLow && inFlightChunks > 0) return runs;
    while (runs.length < MAX_WANT_RUNS) {
      const run = takeRun();
      if (run === undefined) break;
      runs.push(run);
      due.push({ next: run.first, end: run.first + run.count });
    }
    return runs;
  }

  /**
   * As much of the first pending run as the window has room for; one chunk at least if it is empty.
   */
  function takeRun(): ChunkRun | undefined {
    const run = pending[0];
    if (run === undefined) return undefined;
    const roomBytes = WINDOW_BYTES - inFlightBytes;
    const room = Math.min(
      Math.floor(roomBytes / shape.chunkSizeBytes),
      WINDOW_CHUNKS - inFlightChunks,
    );
    const count = Math.min(run.end - run.next, Math.max(room, inFlightChunks === 0 ? 1 : 0));
    if (count <= 0) return undefined;
    const first = run.next;
    run.next += count;
    if (run.next === run.end) pending.shift();
    pendingChunks -= count;
    inFlightChunks += count;
    // The last chunk may be short: it counts as what it is, both here and when it arrives.
    inFlightBytes += (count - 1) * shape.chunkSizeBytes + chunkLengthAt(shape, first + count - 1);
    return { first, count };
  }

  function arrive(position: number): number {
    const run = due[0];
    if (run?.next !== position) {
      throw new KgetError(
        'protocol',
        `Cannot take chunk ${position} in: ${run === undefined ? 'none' : `chunk ${run.next}`} is due`,
      );
    }
    run.next += 1;
    if (run.next === run.end) due.shift();
    const length = chunkLengthAt(shape, position);
    inFlightChunks -= 1;
    inFlightBytes -= length;
    return length;
  }

  return {
    add: (runs) => {
      for (const { first, count } of runs) {
        assert(count >= 1, 'a run that is wanted is not empty');
        pending.push({ next: first, end: first + count });
        pendingChunks += count;
      }
    },
    next,
    arrive,
    pendingChunks: () => pendingChunks,
    isInFlight: () => inFlightChunks > 0,
    isEmpty: () => pending.length === 0 && due.length === 0,
  };
}
