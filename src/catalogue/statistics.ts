import type { StorePlace } from '../store/store-place.ts';
import type { Catalogue, Snapshot } from './catalogue.ts';
import { measureStore, type StoreMeasure } from './size-table.ts';
import type { SnapshotSizes } from './sizes.ts';
import { type FileTotals, setAsideIn } from './statistics-trash.ts';

/**
 * Where the logical bytes of images go: zeros, bytes of chunks that are missing, bytes that the
 * store had before, and bytes that they brought. These add up to `logicalBytes`; null is what
 * cannot be told for want of a table of chunks.
 */
interface ByteShares {
  readonly snapshots: number;
  readonly logicalBytes: number;
  readonly zeroBytes: number;
  readonly missingBytes: number;
  readonly duplicateBytes: number | null;
  readonly newBytes: number | null;
  /** Bytes of the files of what they brought. */
  readonly storedBytes: number | null;
}

interface RunStatistics extends ByteShares {
  readonly run: string;
  readonly startedAt: string;
}

interface NodeStatistics {
  readonly node: string;
  readonly snapshots: number;
  readonly logicalBytes: number;
  /** That are not zero. */
  readonly dataBytes: number;
  /** Bytes of files that only snapshots of this node use; null as in `ByteShares`. */
  readonly uniqueBytes: number | null;
}

/** What a store holds, and what that takes. */
export interface Statistics {
  readonly totals: ByteShares;
  /** The oldest first. */
  readonly runs: readonly RunStatistics[];
  readonly nodes: readonly NodeStatistics[];
  /** Files of chunks that snapshots use, and that none does; null as in `ByteShares`. */
  readonly used: FileTotals | null;
  readonly unused: FileTotals | null;
  /** What `prune` has set aside. */
  readonly setAside: FileTotals;
  /** Chunks that have no file, as often as images have them. */
  readonly missingChunks: number;
  /** Snapshots that are in no figure, and why. */
  readonly unreadable: readonly { readonly snapshot: string; readonly problem: string }[];
  readonly warnings: readonly string[];
}

/** Memory: as for `measureStore`, and a record a snapshot. @throws KgetError as that does */
export async function storeStatistics(
  place: StorePlace,
  catalogue: Catalogue,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Statistics> {
  const snapshots = catalogue.runs.flatMap((run) => run.snapshots);
  const measure = await measureStore(place, snapshots, {
    groupOf: ({ node }) => node,
    ...(signal && { signal }),
  });
  const { sizes, files, isWhole } = measure;
  const shares = (some: readonly Snapshot[]) => sharesOf(some, measure);
  const all = [...sizes.snapshots.values()];
  return {
    totals: shares(snapshots),
    runs: catalogue.runs.map(({ id, startedAt, snapshots: its }) => ({
      run: id,
      startedAt,
      ...shares(its),
    })),
    nodes: nodesOf(snapshots, measure),
    used: isWhole ? { chunks: sizes.used.chunks, bytes: sizes.used.storedBytes } : null,
    unused: isWhole
      ? {
          chunks: Math.max(0, files.chunks - sizes.used.chunks),
          bytes: Math.max(0, files.packedBytes - sizes.used.storedBytes),
        }
      : null,
    setAside: await setAsideIn(place),
    missingChunks: sum(all, 'missingChunks'),
    unreadable: Array.from(sizes.failures, ([snapshot, problem]) => ({ snapshot, problem })),
    warnings: measure.warnings,
  };
}

function nodesOf(snapshots: readonly Snapshot[], measure: StoreMeasure): NodeStatistics[] {
  const byNode = [...Map.groupBy(snapshots, ({ node }) => node)];
  byNode.sort(([one], [other]) => (one < other ? -1 : 1));
  return byNode.map(([node, its]) => {
    const { snapshots: count, logicalBytes, zeroBytes } = sharesOf(its, measure);
    const unique = measure.sizes.groups.get(node)?.uniqueBytes ?? 0;
    return {
      node,
      snapshots: count,
      logicalBytes,
      dataBytes: logicalBytes - zeroBytes,
      uniqueBytes: measure.isWhole ? unique : null,
    };
  });
}

/** Of those that could be measured. */
function sharesOf(snapshots: readonly Snapshot[], { sizes, isWhole }: StoreMeasure): ByteShares {
  const measured = snapshots.flatMap(({ id }) => sizes.snapshots.get(id) ?? []);
  const logicalBytes = sum(measured, 'sizeBytes');
  const zeroBytes = sum(measured, 'zeroBytes');
  const missingBytes = sum(measured, 'missingBytes');
  const newBytes = sum(measured, 'newBytes');
  return {
    snapshots: measured.length,
    logicalBytes,
    zeroBytes,
    missingBytes,
    duplicateBytes: isWhole ? logicalBytes - zeroBytes - missingBytes - newBytes : null,
    newBytes: isWhole ? newBytes : null,
    storedBytes: isWhole ? sum(measured, 'newStoredBytes') : null,
  };
}

type Count =
  | 'sizeBytes'
  | 'zeroBytes'
  | 'newBytes'
  | 'newStoredBytes'
  | 'missingChunks'
  | 'missingBytes';

function sum(all: readonly SnapshotSizes[], field: Count): number {
  return all.reduce((total, sizes) => total + sizes[field], 0);
}
