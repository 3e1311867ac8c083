import { formatSize } from '../base/units.ts';
import { keepUnits, table } from './html-tables.ts';
import { html, type Markup, when } from './markup.ts';
import { formatDate, head, section, type Tile, tileList } from './page.ts';
import { shareBar, shareLegend } from './store-stats-bars.ts';
import type { StoreFiles, StoreNode, StoreRun, StoreStatistics } from './store-statistics.ts';
import { partFactors, storeFigures, totalFactor } from './store-stats-words.ts';
import { STORE_STYLE } from './store-style.ts';
import { countWords, sizeWords } from './store-words.ts';

/** The figures of a store as one self-contained HTML page in the style of the run report. */
export function renderStatsPage(statistics: StoreStatistics): string {
  const { runs, nodes, unreadable } = statistics;
  const page = html`<!doctype html>
    <html lang="en">
      ${head({ title: 'Kget+ store', style: STORE_STYLE })}
      <body>
        ${banner(statistics)} ${tileList(tiles(statistics))}
        <main>
          ${when(unreadable.length > 0, () => section('Cannot be read', problems(statistics)))}
          ${section('Where the bytes of all images go', whole(statistics))}
          ${when(runs.length > 0, () => section('Runs', runTable(runs)))}
          ${when(nodes.length > 0, () => section('Nodes', nodeTable(nodes)))}
        </main>
        ${footer()}
      </body>
    </html>`;
  return `${page.markup}\n`;
}

function banner({ store, totals, runs, nodes }: StoreStatistics): Markup {
  const newest = runs.at(-1);
  return html`<header>
    <h1>Kget+ store ${store}</h1>
    <p>
      ${countWords(totals.snapshots, 'snapshot')} of ${countWords(nodes.length, 'node')} in
      ${countWords(runs.length, 'run')}
      ${when(newest !== undefined, () => html`· newest ${formatDate(newest?.startedAt ?? '')}`)}
    </p>
  </header>`;
}

function tiles(statistics: StoreStatistics): Tile[] {
  const { totals, used, unused, setAside } = statistics;
  const { deduplication, compression } = partFactors(statistics);
  return [
    {
      title: 'Size of images',
      value: formatSize(totals.logicalBytes),
      detail: `${formatSize(totals.zeroBytes)} of it zero`,
    },
    { title: 'Stored', value: sizeWords(totals.storedBytes), detail: inChunks(used) },
    {
      title: 'Images to what is stored',
      value: totalFactor(statistics),
      detail: keepUnits(`${deduplication} by duplicates, ${compression} by compression`),
    },
    { title: 'Different data', value: sizeWords(totals.newBytes), detail: 'before compression' },
    { title: 'Unused', value: sizeWords(unused?.bytes ?? null), detail: inChunks(unused) },
    { title: 'Set aside', value: formatSize(setAside.bytes), detail: inChunks(setAside) },
  ];
}

function inChunks(files: StoreFiles | null): string {
  return files === null ? 'not known' : `in ${countWords(files.chunks, 'chunk')}`;
}

function whole(statistics: StoreStatistics): Markup {
  const rows = storeFigures(statistics).map(
    ([title, value, remark]) =>
      html`<tr>
        <td>${title}</td>
        <td class="number">${keepUnits(value)}</td>
        <td class="long">${keepUnits(remark)}</td>
      </tr>`,
  );
  return html`${shareLegend([statistics.totals])}
    <div class="whole">${shareBar(statistics.totals)}</div>
    <div class="figures">
      ${table([{ title: 'What' }, { title: 'How much', kind: 'number' }, { title: '' }], rows)}
    </div>`;
}

/** The newest first. */
function runTable(runs: readonly StoreRun[]): Markup {
  const rows = runs.toReversed().map(
    (run) =>
      html`<tr>
        <td class="name">${run.run}<small>${formatDate(run.startedAt)}</small></td>
        <td class="bar">${shareBar(run)}</td>
        <td class="number roomy">${run.snapshots}</td>
        <td class="number">${keepUnits(formatSize(run.logicalBytes))}</td>
        <td class="number roomy">${keepUnits(sizeWords(run.newBytes))}</td>
        <td class="number">${keepUnits(sizeWords(run.storedBytes))}</td>
      </tr>`,
  );
  return html`${shareLegend(runs)}
    ${table(
      [
        { title: 'Run' },
        { title: 'Where its bytes go' },
        { title: 'Images', kind: 'number roomy' },
        { title: 'Size', kind: 'number' },
        { title: 'New data', kind: 'number roomy' },
        { title: 'Stored', kind: 'number' },
      ],
      rows,
    )}
    <p class="note small">
      Duplicates are what the store had when the run began, or what its images have in common. New
      data came with the run, and is stored compressed.
    </p>`;
}

function nodeTable(nodes: readonly StoreNode[]): Markup {
  const rows = nodes.map(
    ({ node, snapshots, logicalBytes, dataBytes, uniqueBytes }) =>
      html`<tr>
        <td class="name">${node}</td>
        <td class="number">${snapshots}</td>
        <td class="number">${keepUnits(formatSize(logicalBytes))}</td>
        <td class="number roomy">${keepUnits(formatSize(dataBytes))}</td>
        <td class="number">${keepUnits(sizeWords(uniqueBytes))}</td>
      </tr>`,
  );
  return html`${table(
      [
        { title: 'Node' },
        { title: 'Snapshots', kind: 'number' },
        { title: 'Size', kind: 'number' },
        { title: 'Data', kind: 'number roomy' },
        { title: 'Unique', kind: 'number' },
      ],
      rows,
    )}
    <p class="note small">Unique: bytes of files that only snapshots of this node use.</p>`;
}

function problems({ unreadable }: StoreStatistics): Markup {
  const rows = unreadable.map(
    ({ snapshot, problem }) =>
      html`<tr>
        <td class="name">${snapshot}</td>
        <td class="long bad">${problem}</td>
      </tr>`,
  );
  return table([{ title: 'Snapshot' }, { title: 'What is wrong' }], rows);
}

function footer(): Markup {
  return html`<footer>
    Sizes of images count all their bytes, those of chunks the bytes of their files in the store.
    Unused chunks belong to no snapshot: runs that are going on have some, and what was forgotten
    leaves some until it is pruned.
  </footer>`;
}
