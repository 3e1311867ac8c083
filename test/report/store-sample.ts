/** A store's figures and lists that tests change parts of. */
import type { ListedRun, ListedSnapshot, StoreListing } from '../../src/report/store-listing.ts';
import type { StoreRun, StoreStatistics } from '../../src/report/store-statistics.ts';

export const MIB = 1024 ** 2;

export const RUN = '20260101T020000Z-aaaaaa';

export function listedSnapshot(change: Partial<ListedSnapshot> = {}): ListedSnapshot {
  const { node = 'node01', image = 'disk.img' } = change;
  return {
    id: `${RUN}/${node}/${image}`,
    node,
    image,
    path: `/vm/${image}`,
    sizeBytes: 100 * MIB,
    dataBytes: 40 * MIB,
    uniqueBytes: 5 * MIB,
    missingChunks: 0,
    problem: null,
    ...change,
  };
}

export function listedRun(change: Partial<ListedRun> = {}): ListedRun {
  return {
    run: RUN,
    startedAt: '2026-01-01T02:00:00.000Z',
    endedAt: '2026-01-01T02:05:00.000Z',
    state: 'complete',
    tags: [],
    sizeBytes: 100 * MIB,
    dataBytes: 40 * MIB,
    uniqueBytes: 5 * MIB,
    snapshots: [listedSnapshot()],
    missing: [],
    ...change,
  };
}

export function listing(runs: readonly ListedRun[]): StoreListing {
  return { schema: 'kgetplus.ls/1', store: '/srv/store', runs };
}

export function storeRun(change: Partial<StoreRun> = {}): StoreRun {
  return {
    run: RUN,
    startedAt: '2026-01-01T02:00:00.000Z',
    snapshots: 2,
    logicalBytes: 100 * MIB,
    zeroBytes: 50 * MIB,
    missingBytes: 0,
    duplicateBytes: 30 * MIB,
    newBytes: 20 * MIB,
    storedBytes: 10 * MIB,
    ...change,
  };
}

export function statistics(change: Partial<StoreStatistics> = {}): StoreStatistics {
  const runs = change.runs ?? [storeRun()];
  const sum = (field: 'snapshots' | 'logicalBytes' | 'zeroBytes' | 'missingBytes') =>
    runs.reduce((total, run) => total + run[field], 0);
  const known = (field: 'duplicateBytes' | 'newBytes' | 'storedBytes') =>
    runs.some((run) => run[field] === null)
      ? null
      : runs.reduce((total, run) => total + (run[field] ?? 0), 0);
  return {
    schema: 'kgetplus.stats/1',
    store: '/srv/store',
    totals: {
      snapshots: sum('snapshots'),
      logicalBytes: sum('logicalBytes'),
      zeroBytes: sum('zeroBytes'),
      missingBytes: sum('missingBytes'),
      duplicateBytes: known('duplicateBytes'),
      newBytes: known('newBytes'),
      storedBytes: known('storedBytes'),
    },
    runs,
    nodes: [
      {
        node: 'node01',
        snapshots: 2,
        logicalBytes: 100 * MIB,
        dataBytes: 50 * MIB,
        uniqueBytes: 7 * MIB,
      },
    ],
    used: { chunks: 160, bytes: 10 * MIB },
    unused: { chunks: 3, bytes: MIB },
    setAside: { chunks: 0, bytes: 0 },
    missingChunks: 0,
    unreadable: [],
    ...change,
  };
}
