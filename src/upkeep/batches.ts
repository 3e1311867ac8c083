import { mkdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/error.ts';
import { digestOfChunkFile } from '../content/chunk-name.ts';
import { makeDirectories } from '../content/directories.ts';
import { replaceFile } from '../content/durable.ts';
import { type LeaseRecord, readLeases } from '../store/lease.ts';
import type { StorePlace } from '../store/store-place.ts';
import { type TrashBatch, trashBatches } from '../store/trash.ts';
import { namesIn } from './prune-tables.ts';

/** In a batch to which nothing more comes: when that was, and which leases there were. */
const COMPLETE_NAME = 'complete.json';

/** When and why a batch may be swept. */
export interface BatchState {
  readonly batch: TrashBatch;
  /** Undefined if it is not complete: its prune was cut off, or is this one. */
  readonly completedAtMs: number | undefined;
  /** Leases of living processes that were taken before it was complete. */
  readonly awaited: readonly LeaseRecord[];
}

/**
 * The batches of a store. `leases` are those that there are now: what is told of them stays true,
 * for a lease that is given back does not return.
 */
export function batchStates(
  place: StorePlace,
  leases: readonly LeaseRecord[],
): readonly BatchState[] {
  const alive = leases.filter(({ isAlive }) => isAlive);
  return trashBatches(place).map((batch) => {
    const completion = readCompletion(batch);
    const names = new Set(completion?.leases);
    return {
      batch,
      completedAtMs: completion?.completedAtMs,
      awaited: completion === undefined ? alive : alive.filter(({ name }) => names.has(name)),
    };
  });
}

/** Makes a batch. Before anything is marked: whoever publishes an index from now on sees it. */
export function makeBatch(place: StorePlace, nowMs: number, suffix: string): TrashBatch {
  makeDirectories(place.trash);
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const name = `${time}-${suffix}`;
  const directory = join(place.trash, name);
  mkdirSync(directory);
  return { name, directory };
}

/**
 * Says of all batches that they are complete, unless they say so already; removes the empty ones.
 * Only where nobody sets anything aside: whoever takes a lease from now on does not find in the
 * store what is in them.
 */
export async function completeBatches(place: StorePlace, nowMs: number): Promise<void> {
  for (const batch of trashBatches(place)) {
    if (removeEmptyBatch(batch)) continue;
    if (readCompletion(batch) !== undefined) continue;
    // Names instead of times: clocks are set back.
    const leases = readLeases(place).flatMap(({ name, isAlive }) => (isAlive ? [name] : []));
    const completion = { completedAt: new Date(nowMs).toISOString(), leases };
    await replaceFile(join(batch.directory, COMPLETE_NAME), `${JSON.stringify(completion)}\n`);
  }
}

/** Removes a batch without chunks; false if it has some, or files that are not ours. */
export function removeEmptyBatch({ directory }: TrashBatch): boolean {
  for (const name of namesIn(directory)) {
    if (digestOfChunkFile(name) !== undefined) return false;
  }
  // The second one is what is left of a `replaceFile` that was cut off.
  for (const name of [COMPLETE_NAME, `${COMPLETE_NAME}.kgetplus-new`]) {
    rmSync(join(directory, name), { force: true });
  }
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

interface Completion {
  readonly completedAtMs: number;
  readonly leases: readonly string[];
}

/** Undefined if there is none, or none that can be read: then it is completed anew. */
function readCompletion({ directory }: TrashBatch): Completion | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(directory, COMPLETE_NAME), 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    if (!('completedAt' in value && 'leases' in value)) return undefined;
    const { completedAt, leases } = value;
    const completedAtMs = typeof completedAt === 'string' ? Date.parse(completedAt) : NaN;
    if (Number.isNaN(completedAtMs) || !areTexts(leases)) return undefined;
    return { completedAtMs, leases };
  } catch (error) {
    const isThere = !(error instanceof SyntaxError) && systemCode(error) !== 'ENOENT';
    if (isThere) throw error;
    return undefined;
  }
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}
