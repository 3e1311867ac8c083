import { formatSize } from '../base/units.ts';
import { formatShare } from './rivals.ts';
import type { StoreFiles, StoreShares, StoreStatistics } from './store-statistics.ts';
import { countWords, sizeWords, timesWords } from './store-words.ts';

/** A figure of the whole store: what it is, how much, and what is to be said of it. */
export type StoreFigure = readonly [title: string, value: string, remark: string];

/** All figures of the whole store, in the order in which one leads to the next. */
export function storeFigures(statistics: StoreStatistics): StoreFigure[] {
  const { totals, runs, nodes, used, unused, setAside, unreadable } = statistics;
  const { logicalBytes, zeroBytes, missingBytes, duplicateBytes, newBytes, storedBytes } = totals;
  const share = (bytes: number | null) => shareWords(bytes, logicalBytes);
  const where = `of ${countWords(nodes.length, 'node')} in ${countWords(runs.length, 'run')}`;
  return [
    ['Snapshots', String(totals.snapshots), where],
    ['Size of images', formatSize(logicalBytes), ''],
    ['Zeros', formatSize(zeroBytes), share(zeroBytes)],
    ['Duplicates', sizeWords(duplicateBytes), share(duplicateBytes)],
    ...(missingBytes > 0
      ? [figure('Missing', formatSize(missingBytes), countMissing(statistics))]
      : []),
    ['Different data', sizeWords(newBytes), share(newBytes)],
    ['Stored', sizeWords(storedBytes), storedWords(totals, used)],
    ['Unused', filesSize(unused), filesWords(unused, 'kgetplus prune frees them')],
    ['Set aside', formatSize(setAside.bytes), filesWords(setAside, 'by kgetplus prune')],
    ...(unreadable.length > 0
      ? [figure('Unreadable', String(unreadable.length), 'snapshots, in no other figure')]
      : []),
  ];
}

/** How many times more the images have than is stored. */
export function totalFactor({ totals }: StoreStatistics): string {
  return timesWords(totals.logicalBytes, totals.storedBytes);
}

/** How many times more data than different data; by how much that is compressed. */
export function partFactors({ totals }: StoreStatistics): {
  readonly deduplication: string;
  readonly compression: string;
} {
  const dataBytes = totals.logicalBytes - totals.zeroBytes - totals.missingBytes;
  return {
    deduplication: timesWords(dataBytes, totals.newBytes),
    compression: timesWords(totals.newBytes, totals.storedBytes),
  };
}

function storedWords({ newBytes, storedBytes }: StoreShares, used: StoreFiles | null): string {
  if (used === null) return 'the table of chunks is lost';
  const ratio = timesWords(newBytes, storedBytes);
  return `in ${countWords(used.chunks, 'chunk')}, compressed ${ratio}`;
}

function countMissing({ missingChunks }: StoreStatistics): string {
  return `${countWords(missingChunks, 'chunk')} of images: they cannot be restored as they are`;
}

function filesSize(files: StoreFiles | null): string {
  return sizeWords(files?.bytes ?? null);
}

function filesWords(files: StoreFiles | null, how: string): string {
  if (files === null || files.chunks === 0) return '';
  return `${countWords(files.chunks, 'chunk')}, ${how}`;
}

/** A share of the images' bytes; none of nothing. */
export function shareWords(bytes: number | null, logicalBytes: number): string {
  return bytes === null || logicalBytes === 0 ? '' : formatShare(bytes / logicalBytes);
}

function figure(title: string, value: string, remark: string): StoreFigure {
  return [title, value, remark];
}
