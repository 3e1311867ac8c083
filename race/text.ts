import { visible } from '../src/report/names.ts';
import { formatDate } from '../src/report/page.ts';
import { tableLines, wrapLines } from '../src/report/table.ts';
import { raceFigures } from './figures.ts';
import {
  comparisonWords,
  complaintLines,
  failureWords,
  inSeconds,
  number,
  range,
  setting,
  size,
  whole,
} from './words.ts';
import type { ContenderFigures } from './contender-figures.ts';
import type { HeatFailure, RaceFigures } from './figures.ts';
import type { RaceRecord } from './record.ts';

/** Columns of a terminal that running text and tables use at most. */
const WIDTH = 100;
const TABLE_WIDTH = 120;
const MAX_NAME = 20;

interface TextTable {
  readonly title: string;
  /** The first one is aligned to the left, all others to the right. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A race for a terminal: what was measured, the tables, the comparison, and what failed. */
export function formatRace(record: RaceRecord): string {
  const figures = raceFigures(record);
  const sections = [
    [
      ...wrapLines(`Race ${record.profile}, ${formatDate(record.startedAt)}`, WIDTH),
      ...setting(record, figures).flatMap(([name, words]) => indented(`${name}: ${words}`)),
    ],
    ...textTables(figures).map(printed),
    [
      'Compared with the best of the rivals that brought all images',
      ...comparisonLines(figures).flatMap(indented),
    ],
    listed('Failed', figures.failures.flatMap(failureLines)),
    listed('Did not run', record.absent.flatMap(absence)),
  ];
  const filled = sections.filter((lines) => lines.length > 1);
  return `${filled.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function printed({ title, columns, rows }: TextTable): string[] {
  const lines = tableLines(
    columns.map((column, index) => ({
      title: column,
      align: index === 0 ? ('left' as const) : ('right' as const),
      maxWidth: MAX_NAME,
    })),
    rows,
    TABLE_WIDTH,
  );
  return [title, ...lines];
}

/** The tables of `formatRace` in Markdown, each below a line with its title. */
export function markdownTables(record: RaceRecord): string {
  const tables = textTables(raceFigures(record)).map(({ title, columns, rows }) =>
    [
      `${title}:`,
      '',
      markdownRow(columns),
      `|${columns.map((_, index) => (index === 0 ? ' --- ' : ' --: ')).join('|')}|`,
      ...rows.map(markdownRow),
    ].join('\n'),
  );
  return `${tables.join('\n\n')}\n`;
}

function markdownRow(cells: readonly string[]): string {
  return `| ${cells.map(markdownCell).join(' | ')} |`;
}

function markdownCell(text: string): string {
  return visible(text).replace(/[\\|<>`*_[\]]/g, String.raw`\$&`);
}

/** When nodes were released, the same from the moment all agents were up, and what it cost. */
function textTables({ contenders }: RaceFigures): TextTable[] {
  const started = contenders.filter((figures) => figures.agentsUpSeconds !== null);
  const several = contenders.some(({ rounds }) => rounds > 1);
  const since = {
    title: 'When, from the moment when all agents were up',
    columns: ['Contender', 'agents up s', ...WHEN_COLUMNS],
    rows: started.map((figures) => [
      figures.contender,
      number(figures.agentsUpSeconds),
      ...whenUp(figures),
    ]),
  };
  return [
    {
      title: `When, from the start of the command${several ? ' (medians; last: rounds, all done)' : ''}`,
      columns: ['Contender', 'identical', ...WHEN_COLUMNS, ...(several ? ['rounds: s'] : [])],
      rows: contenders.map((figures) => [
        figures.contender,
        `${figures.identical}/${figures.nodes}`,
        ...when(figures),
        ...(several ? [`${figures.rounds}: ${range(figures)}`] : []),
      ]),
    },
    ...(started.length === 0 ? [] : [since]),
    { title: 'Cost', columns: COST_COLUMNS, rows: contenders.map(cost) },
  ];
}

const WHEN_COLUMNS = [
  'all done s',
  '× limit',
  'mean s',
  'mean τ',
  '50 % s',
  '50 % τ',
  '80 % s',
  '80 % τ',
];

function when(figures: ContenderFigures): string[] {
  return [
    figures.allDoneSeconds,
    figures.allDoneToLimit,
    figures.meanReleaseSeconds,
    figures.meanReleaseSlots,
    figures.t50Seconds,
    figures.t50Slots,
    figures.t80Seconds,
    figures.t80Slots,
  ].map(number);
}

function whenUp(figures: ContenderFigures): string[] {
  return [
    figures.allDoneSinceUpSeconds,
    figures.allDoneSinceUpToLimit,
    figures.meanReleaseSinceUpSeconds,
    figures.meanReleaseSinceUpSlots,
    figures.t50SinceUpSeconds,
    figures.t50SinceUpSlots,
    figures.t80SinceUpSeconds,
    figures.t80SinceUpSlots,
  ].map(number);
}

const COST_COLUMNS = [
  'Contender',
  'over link',
  '× images',
  '× unique',
  'nodes sent',
  'senders',
  'CPU s',
  '/100 MB',
  'nodes',
  'memory',
  'nodes',
];

function cost(figures: ContenderFigures): string[] {
  return [
    figures.contender,
    size(figures.frontendBytes),
    number(figures.frontendBytesToLogical),
    number(figures.frontendBytesToUnique),
    size(figures.nodesBytes),
    whole(figures.peakSenders),
    number(figures.frontendCpuSeconds),
    number(figures.frontendCpuSecondsPer100Mb),
    number(figures.nodesCpuSeconds),
    size(figures.frontendPeakBytes),
    size(figures.nodesPeakBytes),
  ];
}

function comparisonLines({ comparisons }: RaceFigures): string[] {
  const titles = {
    meanReleaseSeconds: 'mean release',
    t50Seconds: '50 % released',
    t80Seconds: '80 % released',
    allDoneSeconds: 'all done',
    frontendBytes: "over the frontend's link",
  };
  return comparisons.map((comparison) => {
    const { contender, figure, value } = comparison;
    const shown = figure === 'frontendBytes' ? size(value) : inSeconds(value);
    return `${contender}: ${titles[figure]} ${shown}, ${comparisonWords(comparison)}`;
  });
}

function failureLines(failure: HeatFailure): string[] {
  const title = `${failure.contender}, round ${failure.round}: ${failureWords(failure)}`;
  const complaint = complaintLines(failure.complaint)
    .flatMap(indented)
    .map((line) => `  ${line}`);
  return [...indented(title), ...complaint];
}

function absence({ contender, reason }: RaceRecord['absent'][number]): string[] {
  return indented(`${contender}: ${complaintLines(reason).join(' ')}`);
}

function listed(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

function indented(text: string): string[] {
  return wrapLines(text, WIDTH - 6).map((line, index) =>
    index === 0 ? `  ${line}` : `    ${line}`,
  );
}
