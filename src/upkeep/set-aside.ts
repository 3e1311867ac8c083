import { lstatSync, renameSync, type Stats } from 'node:fs';
import { basename, join } from 'node:path';
import { systemCode } from '../base/error.ts';
import { chunkFileOf } from '../content/chunk-name.ts';
import { DIGEST_BYTES } from '../content/image.ts';
import type { StorePlace } from '../store/store-place.ts';
import { RECORD_BYTES } from '../store/table-record.ts';
import { type Marks, stopped } from './mark.ts';
import type { ChunkTotals } from './prune-report.ts';

export interface SetAsideOptions {
  readonly place: StorePlace;
  /** Of all chunks in the store. */
  readonly marks: Marks;
  /** Where to; undefined if nothing is moved (dry run). */
  readonly batchDirectory: string | undefined;
  /** Chunks that came since then (wall clock) may be of images that have no index yet. */
  readonly sparedSinceMs: number;
  readonly signal: AbortSignal;
  /** Called before each change. */
  readonly onStep: (step: string) => void;
}

export interface SetAside {
  readonly setAside: ChunkTotals;
  /** Not needed by any snapshot, but new. */
  readonly spared: ChunkTotals;
  readonly kept: ChunkTotals;
}

/** Moves all chunks that no index needs into a batch of the trash. */
export async function setChunksAside(options: SetAsideOptions): Promise<SetAside> {
  const { place, marks, batchDirectory, sparedSinceMs, signal, onStep } = options;
  const setAside = { chunks: 0, bytes: 0 };
  const spared = { chunks: 0, bytes: 0 };
  const kept = { chunks: 0, bytes: 0 };
  for await (const records of marks.table.records()) {
    for (let at = 0; at < records.length; at += RECORD_BYTES) {
      if (signal.aborted) throw stopped();
      const digest = records.subarray(at, at + DIGEST_BYTES);
      if (marks.isKept(digest) !== false) {
        kept.chunks += 1;
        kept.bytes += records.readUInt32LE(at + DIGEST_BYTES);
        continue;
      }
      const file = chunkFileOf(place.chunks, digest);
      const stat = lstatSync(file, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      const totals = changedAtMs(stat) >= sparedSinceMs ? spared : setAside;
      totals.chunks += 1;
      totals.bytes += stat.size;
      if (totals === spared || batchDirectory === undefined) continue;
      onStep(`set aside ${file}`);
      move(file, join(batchDirectory, basename(file)));
    }
  }
  return { setAside, spared, kept };
}

/** When it got its name, too: renaming counts as a change of the file on Linux file systems. */
function changedAtMs({ ctimeMs, mtimeMs }: Stats): number {
  return Math.max(ctimeMs, mtimeMs);
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    // Somebody removed it, or renamed it as damaged.
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}
