import { formatSize } from '../base/units.ts';
import { visible } from './names.ts';
import { formatDate } from './page.ts';
import type { ListedRun, ListedSnapshot, StoreListing } from './store-listing.ts';
import { countWords, emptyStoreWords, sizeWords } from './store-words.ts';
import { type Column, tableLines } from './table.ts';

/** Longer names are cut in the middle; `--json` and `show` have all of them. */
const NAME_WIDTH = 30;

/** Remarks are not cut at the width of a terminal: scripts look for them. */
const LINE_WIDTH = 160;

const INDENT = '  ';

/** What a terminal shows of a store: a line for each snapshot, below the runs. */
export function renderListText(listing: StoreListing): string {
  const { runs } = listing;
  if (runs.length === 0) return emptyStoreWords(listing.store);
  const columns: Column[] = [
    { title: 'Node', align: 'left', maxWidth: NAME_WIDTH },
    { title: 'Image', align: 'left', maxWidth: NAME_WIDTH },
    { title: 'Size', align: 'right' },
    { title: 'Data', align: 'right' },
    { title: 'Unique', align: 'right' },
    { title: '', align: 'left' },
  ];
  const groups = runs.map((run) => ({ run, rows: rowsOf(run) }));
  const [titles = '', ...lines] = tableLines(
    columns,
    groups.flatMap(({ rows }) => rows),
    LINE_WIDTH,
  );
  const written: string[] = [INDENT + titles];
  let next = 0;
  for (const { run, rows } of groups) {
    const own = lines.slice(next, next + rows.length);
    next += rows.length;
    written.push(runLine(run), ...own.map((line) => INDENT + line));
  }
  return `${[...written, '', totalLine(listing)].join('\n')}\n`;
}

/** The same with a line for each run. */
export function renderRunsText(listing: StoreListing): string {
  const { runs } = listing;
  if (runs.length === 0) return emptyStoreWords(listing.store);
  const lines = tableLines(
    [
      { title: 'Run', align: 'left', maxWidth: NAME_WIDTH },
      { title: 'Started (UTC)', align: 'left' },
      { title: 'Images', align: 'right' },
      { title: 'Size', align: 'right' },
      { title: 'Data', align: 'right' },
      { title: 'Unique', align: 'right' },
      { title: '', align: 'left' },
    ],
    runs.map((run) => [
      run.run,
      formatDate(run.startedAt).replace(/ UTC$/, ''),
      String(run.snapshots.length),
      formatSize(run.sizeBytes),
      sizeWords(run.dataBytes),
      sizeWords(run.uniqueBytes),
      remarksOf(run).join(', '),
    ]),
    LINE_WIDTH,
  );
  return `${[...lines, '', totalLine(listing)].join('\n')}\n`;
}

function rowsOf({ snapshots, missing }: ListedRun): string[][] {
  return [
    ...snapshots.map((snapshot) => [
      snapshot.node,
      snapshot.image,
      sizeWords(snapshot.sizeBytes),
      sizeWords(snapshot.dataBytes),
      sizeWords(snapshot.uniqueBytes),
      remarkOn(snapshot),
    ]),
    ...missing.map(({ node, path, reason }) => [
      node,
      path ?? '–',
      '–',
      '–',
      '–',
      `missing: ${reason}`,
    ]),
  ];
}

function remarkOn({ problem, missingChunks }: ListedSnapshot): string {
  if (problem !== null) return 'index cannot be used';
  return missingChunks === null || missingChunks === 0
    ? ''
    : `${countWords(missingChunks, 'chunk')} missing`;
}

function runLine(run: ListedRun): string {
  const words = [formatDate(run.startedAt), ...remarksOf(run)];
  return visible(`${run.run}  ${words.join(', ')}`);
}

/** What is special about a run. */
function remarksOf({ state, tags, missing, snapshots }: ListedRun): string[] {
  const damaged = snapshots.filter((snapshot) => remarkOn(snapshot) !== '').length;
  return [
    ...(state === 'unfinished' ? ['unfinished'] : []),
    ...(missing.length > 0 ? [`${missing.length} missing`] : []),
    ...(damaged > 0 ? [`${damaged} damaged`] : []),
    ...(tags.length > 0 ? [`tagged ${tags.join(' ')}`] : []),
  ];
}

function totalLine({ runs }: StoreListing): string {
  const snapshots = runs.reduce((sum, run) => sum + run.snapshots.length, 0);
  const sizeBytes = runs.reduce((sum, run) => sum + run.sizeBytes, 0);
  const counts = `${countWords(runs.length, 'run')}, ${countWords(snapshots, 'snapshot')}`;
  return `${counts}, ${formatSize(sizeBytes)} of images`;
}
