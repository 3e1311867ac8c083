import type { Clock } from '../base/clock.ts';
import { type Catalogue, readCatalogue } from '../catalogue/catalogue.ts';
import { type Selection, selectSnapshots } from '../catalogue/select.ts';
import { storeFailure } from '../content/room.ts';
import type { Lease } from '../store/lease.ts';
import type { ChunkReader } from '../store/chunk-reader.ts';
import type { StorePlace } from '../store/store-place.ts';
import type { FoundBad } from './bad-chunk.ts';
import { checkIndex, manifestFaults, runsToCheck } from './check-indexes.ts';
import { findBadChunks, type VerifyProgress } from './find-bad.ts';
import { hurtSnapshots } from './hurt-snapshots.ts';
import { refreshTable } from './prune-tables.ts';
import { repairChunks, type RepairSource } from './repair.ts';
import { createSample } from './sample.ts';
import { leaseOf, openTable } from './verify-access.ts';
import type { BadChunk, Fault, VerifyReport } from './verify-report.ts';
import { createWantedChunks } from './wanted-chunks.ts';

export interface VerifyOptions {
  readonly place: StorePlace;
  readonly selection: Selection;
  /** What share of the chunks is read, above 0 to 1. */
  readonly share: number;
  /** Draws that share; a whole number up to `MAX_SEED`. */
  readonly seed: number;
  /** Where good copies may be, in the order in which they are tried; none: nothing is repaired. */
  readonly sources: readonly RepairSource[];
  /** Chunks that are read at the same time. */
  readonly atOnce: number;
  /** Of the store. */
  readonly chunks: ChunkReader;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/**
 * Checks manifests, indexes, and each chunk that the selected snapshots need once. A damaged chunk
 * is renamed, so that a good one can take its place, and looked for in the sources. When it is
 * stopped, it tells what it has found until then.
 * @throws KgetError `usage` if there is no store or no such snapshot, `source-unreadable`,
 * `target-unwritable` if it is to be repaired and cannot be written, `corrupt` if the chunk table
 * is damaged meanwhile
 */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const { place, selection, sources, signal } = options;
  const warnings: string[] = [];
  readCatalogue(place);
  using lease = leaseOf(place, { isNeeded: sources.length > 0, warnings });
  const catalogue = readCatalogue(place);
  const snapshots = selectSnapshots(catalogue, selection);
  const areAll = selection.selectors.length === 0 && selection.nodes === undefined;
  const runs = runsToCheck(catalogue, snapshots, { areAll });
  const faults = manifestFaults(runs, { areAllImages: areAll });

  using tables = await openTable(options);
  const wanted = createWantedChunks(tables.table);
  for (const snapshot of snapshots) {
    if (signal.aborted) break;
    const index = await checkIndex(snapshot);
    if (isFault(index)) {
      faults.push(index);
      continue;
    }
    const fault = await wanted.add(snapshot, index, signal).finally(() => index.close());
    if (fault !== undefined) faults.push(fault);
  }
  const sample = createSample(options.share, options.seed);
  const read = await findBadChunks({ ...options, table: tables.table, wanted, sample });
  const bad = await tellOfBad(options, {
    catalogue,
    found: read.bad,
    lease: lease.lease,
    warnings,
  });
  return {
    snapshots: snapshots.length,
    chunks: wanted.count,
    bytes: wanted.bytes,
    readChunks: read.chunks,
    readBytes: read.bytes,
    share: options.share,
    seed: options.seed,
    faults,
    bad,
    unlistedBad: read.unlistedBad + wanted.unlistedStrays,
    isInterrupted: signal.aborted,
    warnings,
  };
}

/** Who is hurt by what was found, and what could be repaired. */
async function tellOfBad(
  options: VerifyOptions,
  facts: {
    readonly catalogue: Catalogue;
    readonly found: ReadonlyMap<string, FoundBad>;
    readonly lease: Lease | undefined;
    readonly warnings: string[];
  },
): Promise<readonly BadChunk[]> {
  const { place, sources, signal } = options;
  const { catalogue, found, lease, warnings } = facts;
  const isRenamed = [...found.values()].some(({ setAside }) => setAside !== null);
  // Else writers would be told of a chunk of the size of the damaged one.
  // Also when it is stopped: this is what makes the store whole again.
  const unstopped = new AbortController().signal;
  if (isRenamed) await refreshTable({ ...options, directory: place.table, signal: unstopped });
  const hurt = await hurtSnapshots(catalogue, found, signal);
  let from: ReadonlyMap<string, string> = new Map();
  if (lease !== undefined && sources.length > 0 && !signal.aborted) {
    try {
      const repaired = await repairChunks({ place, lease, hurt, sources, signal });
      from = repaired.from;
      warnings.push(...repaired.warnings);
    } catch (error) {
      const { directory } = place;
      throw storeFailure(error, { title: 'repaired chunks', directory, neededBytes: 0 });
    }
  }
  const byDigest = [...hurt].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return byDigest.map(([digest, chunk]) => ({
    digest,
    lengthBytes: chunk.lengthBytes,
    kind: chunk.kind,
    message: chunk.message,
    setAside: chunk.setAside,
    repairedFrom: from.get(digest) ?? null,
    snapshots: chunk.snapshots,
    snapshotCount: chunk.snapshotCount,
  }));
}

function isFault(found: object): found is Fault {
  return 'subject' in found;
}
