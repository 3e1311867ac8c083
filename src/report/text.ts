import { formatSeconds, formatSize } from '../base/units.ts';
import { visible } from './names.ts';
import { formatMoment, formatShare, formatSooner, releaseRows } from './rivals.ts';
import { savings, verdictOf } from './summary.ts';
import { tableLines, WIDTH, wrapLines } from './table.ts';
import type { RunReport } from './record.ts';

export interface TextOptions {
  /** Print long lists in full. */
  readonly all?: boolean;
}

/** Rows of a list that are printed unless all are asked for. */
const MAX_ROWS = 10;

/** What a terminal shows at the end of a gather: plain lines of at most 100 columns. */
export function renderSummaryText(report: RunReport, options: TextOptions = {}): string {
  const sections = [
    headline(report),
    releases(report),
    totals(report),
    missing(report, options),
    failureLines(report, options),
  ];
  const filled = sections.filter((lines) => lines.length > 0);
  return `${filled.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** The first `MAX_ROWS` items (or all of them), and a line that says how many are not shown. */
export function cutList<T>(
  items: readonly T[],
  options: TextOptions & { readonly maxRows?: number },
): { readonly shown: readonly T[]; readonly rest: readonly string[] } {
  const maxRows = options.maxRows ?? MAX_ROWS;
  // One more row takes no more room than the line that would say so.
  if (options.all === true || items.length <= maxRows + 1) return { shown: items, rest: [] };
  return { shown: items.slice(0, maxRows), rest: [`… and ${items.length - maxRows} more`] };
}

function headline(report: RunReport): string[] {
  const { text } = verdictOf(report);
  return wrapLines(`Run ${report.run}: ${text}, after ${formatSeconds(report.seconds)}.`, WIDTH);
}

function releases({ summary }: RunReport): string[] {
  const titles = ['measured', 'bound', 'serial', 'all at once', 'than serial', 'than all at once'];
  const rows = releaseRows(summary).map(({ label, measured, bound, serial, allAtOnce }) => [
    label,
    formatMoment(measured, 'not reached'),
    formatMoment(bound),
    formatMoment(serial),
    formatMoment(allAtOnce),
    formatSooner(measured, serial),
    formatSooner(measured, allAtOnce),
  ]);
  const columns = [
    { title: 'Nodes released', align: 'left' as const },
    ...titles.map((title) => ({ title, align: 'right' as const })),
  ];
  const lines = tableLines(columns, rows);
  const sooner = (lines[0] ?? '').indexOf('than serial');
  return [`${' '.repeat(sooner)}times sooner`, ...lines];
}

function totals(report: RunReport): string[] {
  const { frontend, summary } = report;
  const { arrivedBytes, savedBytes } = savings(report);
  const share =
    arrivedBytes === 0 ? '' : `${formatShare(savedBytes / arrivedBytes)} of what was brought here`;
  const busy = `busy ${formatShare(frontend.busyFraction)} of the time`;
  const senders = `at most ${frontend.maxSenders} sending, ${frontend.sendersAllowed} allowed`;
  const rows = [
    ['Images safe', `${summary.safe} of ${summary.images}`, ''],
    ['Logical size', formatSize(summary.logicalBytes), ''],
    ['Data', formatSize(summary.dataBytes), 'not zero'],
    ["Over the frontend's link", formatSize(summary.frontendWireBytes), `${busy}, ${senders}`],
    ['Between nodes', formatSize(summary.peerWireBytes), ''],
    ['Saved', formatSize(savedBytes), share],
  ];
  const [, ...lines] = tableLines(
    [
      { title: '', align: 'left' },
      { title: '', align: 'right' },
      { title: '', align: 'left' },
    ],
    rows,
  );
  return lines;
}

function missing({ images }: RunReport, options: TextOptions): string[] {
  const lost = images.filter((image) => image.state === 'missing');
  if (lost.length === 0) return [];
  const { shown, rest } = cutList(lost, options);
  const lines = tableLines(
    [
      { title: 'Node', align: 'left', maxWidth: 30 },
      { title: 'Size', align: 'right' },
      { title: 'Path', align: 'left' },
    ],
    shown.map(({ node, path, sizeBytes }) => [node, formatSize(sizeBytes), path]),
  );
  return [`Missing images: ${lost.length}`, ...[...lines, ...rest].map(indent)];
}

/** What went wrong, where; none if nothing did. */
export function failureLines(
  { failures: all }: Pick<RunReport, 'failures'>,
  options: TextOptions,
): string[] {
  if (all.length === 0) return [];
  const { shown, rest } = cutList(all, options);
  const lines = shown.flatMap(({ code, message, node, path }) => {
    const place = [node, path].filter((part) => part !== null).join(':');
    const text = `${place === '' ? '' : `${visible(place)}: `}${message} (${code})`;
    return wrapLines(text, WIDTH - 4).map((line, index) => (index === 0 ? line : indent(line)));
  });
  return [`Failures: ${all.length}`, ...[...lines, ...rest].map(indent)];
}

function indent(line: string): string {
  return `  ${line}`;
}
