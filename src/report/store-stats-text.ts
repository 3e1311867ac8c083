import { formatSize } from '../base/units.ts';
import { visible } from './names.ts';
import type { StoreNode, StoreRun, StoreStatistics } from './store-statistics.ts';
import { partFactors, shareWords, storeFigures, totalFactor } from './store-stats-words.ts';
import { emptyStoreWords, sizeWords } from './store-words.ts';
import { type Column, tableLines, WIDTH, wrapLines } from './table.ts';
import { cutList } from './text.ts';

/** Runs and nodes that are printed unless all are asked for. */
const MAX_ROWS = 20;

const NAME_WIDTH = 40;

/** What a terminal shows of a store's figures: totals, runs (the newest last), nodes. */
export function renderStatsText(
  statistics: StoreStatistics,
  options: { readonly all?: boolean } = {},
): string {
  if (statistics.runs.length === 0) return emptyStoreWords(statistics.store);
  const sections = [
    [visible(`Store ${statistics.store}`), ...totals(statistics)],
    factors(statistics),
    runLines(statistics.runs, options),
    nodeLines(statistics.nodes, options),
    unreadable(statistics),
  ];
  const filled = sections.filter((lines) => lines.length > 0);
  return `${filled.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function totals(statistics: StoreStatistics): string[] {
  const [, ...lines] = tableLines(
    [
      { title: '', align: 'left' },
      { title: '', align: 'right' },
      { title: '', align: 'left' },
    ],
    storeFigures(statistics),
    WIDTH - 2,
  );
  return lines.map(indent);
}

function factors(statistics: StoreStatistics): string[] {
  if (statistics.totals.storedBytes === null || statistics.totals.storedBytes === 0) return [];
  const { deduplication, compression } = partFactors(statistics);
  return wrapLines(
    `Images have ${totalFactor(statistics)} the bytes that are stored: their data ` +
      `${deduplication} by duplicates and ${compression} by compression, the rest by zeros.`,
    WIDTH,
  );
}

function runLines(runs: readonly StoreRun[], { all = false }: { all?: boolean }): string[] {
  if (runs.length === 0) return [];
  const { shown, rest } = cutList(runs.toReversed(), { all, maxRows: MAX_ROWS });
  const lines = tableLines(
    [
      { title: 'Run', align: 'left', maxWidth: NAME_WIDTH },
      ...['Images', 'Size', 'Zero', 'Duplicate', 'New', 'Stored'].map((title): Column => ({
        title,
        align: 'right',
      })),
    ],
    shown.map((run) => [
      run.run,
      String(run.snapshots),
      formatSize(run.logicalBytes),
      shareWords(run.zeroBytes, run.logicalBytes) || '–',
      shareWords(run.duplicateBytes, run.logicalBytes) || '–',
      sizeWords(run.newBytes),
      sizeWords(run.storedBytes),
    ]),
  );
  return [...lines, ...rest];
}

function nodeLines(nodes: readonly StoreNode[], { all = false }: { all?: boolean }): string[] {
  if (nodes.length === 0) return [];
  const { shown, rest } = cutList(nodes, { all, maxRows: MAX_ROWS });
  const lines = tableLines(
    [
      { title: 'Node', align: 'left', maxWidth: NAME_WIDTH },
      ...['Snapshots', 'Size', 'Data', 'Unique'].map((title): Column => ({
        title,
        align: 'right',
      })),
    ],
    shown.map((node) => [
      node.node,
      String(node.snapshots),
      formatSize(node.logicalBytes),
      formatSize(node.dataBytes),
      sizeWords(node.uniqueBytes),
    ]),
  );
  return [...lines, ...rest];
}

function unreadable({ unreadable: all }: StoreStatistics): string[] {
  if (all.length === 0) return [];
  const lines = all.flatMap(({ problem }) => wrapLines(problem, WIDTH - 2));
  return ['Snapshots that cannot be read:', ...lines.map(indent)];
}

function indent(line: string): string {
  return `  ${line}`;
}
