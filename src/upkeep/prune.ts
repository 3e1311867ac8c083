import { existsSync } from 'node:fs';
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { type Catalogue, readCatalogue } from '../catalogue/catalogue.ts';
import { isEmpty, type RetentionPolicy } from '../catalogue/retention.ts';
import { storeFailure } from '../content/room.ts';
import { readLeases } from '../store/lease.ts';
import type { StorePlace } from '../store/store-place.ts';
import { batchStates, completeBatches, makeBatch, removeEmptyBatch } from './batches.ts';
import { removeDeadLeases, writersSinceMs } from './leases.ts';
import { finishForgetting, forgetSnapshots } from './forget.ts';
import { type IndexFiles, indexFilesBelow } from './index-files.ts';
import { type Judgement, judgeSnapshots } from './judge.ts';
import { createMarks, markChunks } from './mark.ts';
import { bringBackNew } from './newcomers.ts';
import { lockForPruning, WORKING_BYTES } from './prune-lock.ts';
import type { JudgedSnapshot, PruneReport } from './prune-report.ts';
import { openPruneTables } from './prune-tables.ts';
import { setChunksAside } from './set-aside.ts';
import { sweepTrash } from './sweep-trash.ts';

export interface PruneOptions {
  readonly place: StorePlace;
  /** An empty one forgets nothing. */
  readonly policy: RetentionPolicy;
  /** Only snapshots of these nodes are judged; all if not given. */
  readonly nodes?: readonly string[] | undefined;
  /** How long chunks that were set aside stay at least. */
  readonly graceMs: number;
  /** Changes nothing in the store. */
  readonly isDry: boolean;
  /** Unlike any other prune's, and fit for a file's name. */
  readonly suffix: string;
  /** The wall clock, in milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told what is done now. */
  readonly onPhase?: (phase: string) => void;
  /** Called before each change of what is in the store; if it throws, the prune ends there. */
  readonly onStep?: (step: string) => void;
}

/**
 * Forgets snapshots by a policy, and collects the chunks that none needs, in two steps (Duplicacy
 * calls it two-step fossil collection): what no index names is set aside, where it is still found;
 * what was set aside by an earlier prune is removed when nobody can rely on it any more. Safe
 * beside everything else that uses the store; whenever it is stopped, nothing is lost, and the next
 * prune goes on. The order below is what makes it so:
 *
 * 1. Leases are read, then the batch is made, then indexes are listed and marked. Who publishes an
 *    index after that finds the batch and brings back what is missing; who did so before is marked.
 * 2. Batches are swept before snapshots are forgotten: what a reader of such a snapshot needs is in
 *    the store then, and waits for it in the new batch.
 * 3. Indexes are listed again after the last chunk was set aside.
 * 4. After that the batch is complete, with the names of all leases that there are. Whoever takes
 *    one later does not find in the store what was set aside: it asks the file system, not only the
 *    chunk table. The batch is swept when these leases have ended.
 *
 * @throws KgetError `corrupt` if an index or a manifest cannot be read, `locked`, `cancelled`,
 * `target-unwritable`, `no-room`, `usage` if there is no store
 */
export async function prune(options: PruneOptions): Promise<PruneReport> {
  const { place, isDry } = options;
  // Before anything is made: it throws if this is no store.
  readCatalogue(place);
  if (isDry) return collect(options);
  using _lock = lockForPruning(place, 'prune');
  try {
    return await collect(options);
  } catch (error) {
    throw storeFailure(error, {
      title: 'what prune works with',
      directory: place.directory,
      neededBytes: WORKING_BYTES,
    });
  }
}

async function collect(options: PruneOptions): Promise<PruneReport> {
  const { place, policy, isDry, nowMs, onPhase, onStep = () => {} } = options;
  if (!isDry) await finishForgetting(place, onStep);
  const catalogue = readCatalogue(place);
  const judgements = judgeSnapshots(catalogue, { ...options, now: new Date(nowMs()) });
  const forgotten = judgements.filter(isForgotten).map(({ snapshot }) => snapshot);
  const leases = readLeases(place);
  const states = batchStates(place, leases);
  const batch = isDry ? undefined : makeBatch(place, nowMs(), options.suffix);

  onPhase?.('listing chunks');
  using tables = await openPruneTables(options);
  const stored = createMarks(tables.store);
  const trashed = createMarks(tables.trash);
  const work = { ...options, onStep };
  const indexes = indexFilesBelow(place.snapshots);
  assertComplete(indexes, catalogue);
  onPhase?.(`marking what ${indexes.files.length} indexes need`);
  const gone = new Set(forgotten.map(({ indexPath }) => indexPath));
  try {
    const marks = [stored, trashed];
    await markChunks({ ...work, indexes, marks, isForgotten: (path) => gone.has(path) });
  } catch (error) {
    // Nothing was set aside: no empty batch stays.
    if (batch !== undefined) removeEmptyBatch(batch);
    throw error;
  }

  onPhase?.('sweeping');
  const swept = await sweepTrash(states, { ...work, marks: trashed, nowMs: nowMs() });
  if (!isDry) await forgetSnapshots(forgotten, onStep);
  onPhase?.('setting chunks aside');
  const sparedSinceMs = writersSinceMs([...leases, ...readLeases(place)]);
  const directory = batch?.directory;
  const moved = await setChunksAside({
    ...work,
    marks: stored,
    batchDirectory: directory,
    sparedSinceMs,
  });
  if (batch !== undefined) {
    await bringBackNew({ ...work, batch, marks: stored, known: indexes });
    onStep('complete batches');
    await completeBatches(place, nowMs());
    removeDeadLeases(place);
  }
  return {
    isDry,
    hasPolicy: !isEmpty(policy),
    snapshots: judgements.map(described),
    ...moved,
    ...swept,
    warnings: catalogue.warnings,
  };
}

/** What counts as an index and what counts as a snapshot is decided in two places. */
function assertComplete({ files }: IndexFiles, { runs }: Catalogue): void {
  const paths = new Set(files.map(({ path }) => path));
  for (const { indexPath } of runs.flatMap(({ snapshots }) => snapshots)) {
    assert(paths.has(indexPath) || !existsSync(indexPath), `${indexPath} would not be marked`);
  }
}

function isForgotten({ reasons }: Judgement): boolean {
  return reasons.length === 0;
}

function described(judgement: Judgement): JudgedSnapshot {
  const { snapshot, reasons } = judgement;
  const { id, takenAt } = snapshot;
  return { id, takenAt, isForgotten: isForgotten(judgement), reasons };
}
