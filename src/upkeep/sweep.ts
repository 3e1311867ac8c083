import { lstatSync, mkdirSync, renameSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode } from '../base/error.ts';
import { chunkFileOf, digestOfChunkFile } from '../content/chunk-name.ts';
import { pause } from '../content/pause.ts';
import type { StorePlace } from '../store/store-place.ts';
import type { BatchState } from './batches.ts';
import { type Marks, stopped } from './mark.ts';
import { namesIn } from './prune-tables.ts';
import type { ChunkTotals } from './prune-report.ts';

/** Chunks between two looks at everything else. */
const CHUNKS_A_TURN = 256;

export interface SweepOptions {
  readonly place: StorePlace;
  readonly state: BatchState;
  /** Of all chunks in the trash, marked after the leases in `state` were read. */
  readonly marks: Marks;
  readonly nowMs: number;
  readonly graceMs: number;
  readonly isDry: boolean;
  readonly signal: AbortSignal;
  /** Called before each change. */
  readonly onStep: (step: string) => void;
}

/** What became of the chunks of a batch. */
export interface Swept {
  /** Removed for good. */
  readonly swept: ChunkTotals;
  /** Needed after all, and in the store again. */
  readonly broughtBack: ChunkTotals;
  /** Not needed, and not yet removed. */
  readonly waiting: ChunkTotals;
}

/**
 * Brings back what an index needs, and removes the rest of a batch if it may go: when it is old
 * enough, and when all processes have ended that may rely on it.
 */
export async function sweepBatch(options: SweepOptions): Promise<Swept> {
  const { place, state, marks, isDry, signal, onStep } = options;
  const { directory } = state.batch;
  const mayGo = isSweepable(options);
  const swept = { chunks: 0, bytes: 0 };
  const broughtBack = { chunks: 0, bytes: 0 };
  const waiting = { chunks: 0, bytes: 0 };
  let seen = 0;
  for (const name of namesIn(directory)) {
    const digest = digestOfChunkFile(name);
    if (digest === undefined) continue;
    const file = join(directory, name);
    const size = lstatSync(file, { throwIfNoEntry: false })?.size;
    const isReferenced = marks.isReferenced(digest);
    // Somebody has brought it back meanwhile, or it came after the table was made.
    if (size === undefined || isReferenced === undefined) continue;
    const totals = isReferenced ? broughtBack : mayGo ? swept : waiting;
    totals.chunks += 1;
    totals.bytes += size;
    if (!isDry && isReferenced) bringBack({ place, file, digest, onStep });
    else if (!isDry && mayGo) {
      onStep(`sweep ${name}`);
      ignoringAbsence(() => unlinkSync(file));
    }
    seen += 1;
    if (seen % CHUNKS_A_TURN === 0) await pause();
    if (signal.aborted) throw stopped();
  }
  return { swept, broughtBack, waiting };
}

function isSweepable({ state, nowMs, graceMs }: SweepOptions): boolean {
  const { completedAtMs, awaited } = state;
  return completedAtMs !== undefined && nowMs - completedAtMs >= graceMs && awaited.length === 0;
}

/** Puts a chunk from the trash where it was, if it is there; a chunk in the store stays. */
export function bringBack({
  place,
  file,
  digest,
  onStep,
}: {
  readonly place: StorePlace;
  readonly file: string;
  readonly digest: Buffer;
  readonly onStep: (step: string) => void;
}): void {
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return;
  const home = chunkFileOf(place.chunks, digest);
  onStep(`bring back ${home}`);
  mkdirSync(dirname(home), { recursive: true });
  ignoringAbsence(() => {
    // Whoever put it there again has just verified it.
    if (lstatSync(home, { throwIfNoEntry: false }) === undefined) renameSync(file, home);
    else unlinkSync(file);
  });
}

function ignoringAbsence(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}
