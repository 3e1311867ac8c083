import { type BatchState, removeEmptyBatch } from './batches.ts';
import type { ChunkTotals, PruneReport, WaitingBatch } from './prune-report.ts';
import { sweepBatch, type SweepOptions } from './sweep.ts';

const NOTHING: ChunkTotals = { chunks: 0, bytes: 0 };

/** Sweeps all batches that may go: see `sweepBatch`. */
export async function sweepTrash(
  states: readonly BatchState[],
  options: Omit<SweepOptions, 'state'>,
): Promise<Pick<PruneReport, 'swept' | 'broughtBack' | 'waiting'>> {
  let swept: ChunkTotals = NOTHING;
  let broughtBack: ChunkTotals = NOTHING;
  const waiting: WaitingBatch[] = [];
  for (const state of states) {
    const found = await sweepBatch({ ...options, state });
    swept = sum(swept, found.swept);
    broughtBack = sum(broughtBack, found.broughtBack);
    if (found.waiting.chunks > 0) waiting.push(waitingBatch(state, found.waiting, options.graceMs));
    if (!options.isDry) removeEmptyBatch(state.batch);
  }
  return { swept, broughtBack, waiting };
}

function waitingBatch(
  { batch, completedAtMs, awaited }: BatchState,
  totals: ChunkTotals,
  graceMs: number,
): WaitingBatch {
  const until =
    completedAtMs === undefined ? null : new Date(completedAtMs + graceMs).toISOString();
  const leases = awaited.map(({ name, kind, host, pid }) => ({ name, kind, host, pid }));
  return { batch: batch.name, ...totals, until, leases };
}

function sum(one: ChunkTotals, other: ChunkTotals): ChunkTotals {
  return { chunks: one.chunks + other.chunks, bytes: one.bytes + other.bytes };
}
