import { formatSize } from '../base/units.ts';
import { visible } from './names.ts';
import { formatShare } from './rivals.ts';
import type { DiffChange, DiffExtent, DiffHead, DiffTotals } from './store-diff.ts';
import { countWords } from './store-words.ts';
import { tableLines, WIDTH, wrapLines } from './table.ts';

/** What each kind of change means, in the order in which they are told. */
const MEANINGS: readonly (readonly [DiffChange, string])[] = [
  ['changed', 'other data than before'],
  ['written', 'data where zeros were'],
  ['zeroed', 'zeros where data was'],
  ['added', 'beyond the end of the first'],
  ['removed', 'beyond the end of the second'],
];

/** What a terminal shows of a diff before the list of extents: how much differs. */
export function renderDiffSummary(head: DiffHead, { extents, bytes }: DiffTotals): string {
  const { before, after } = head;
  const total = Object.values(bytes).reduce((sum, each) => sum + each, 0);
  const whole = Math.max(before.sizeBytes, after.sizeBytes);
  const lines = [
    ...[before, after].map(
      ({ id, sizeBytes }, place) =>
        `${place === 0 ? 'From' : 'To  '}  ${visible(id)}  ${formatSize(sizeBytes)}`,
    ),
    '',
    ...(extents === 0
      ? ['No difference.']
      : [
          `${formatSize(total)} in ${countWords(extents, 'extent')} differ: ` +
            `${formatShare(total / whole)} of ${formatSize(whole)}`,
          ...kindLines(bytes),
        ]),
    ...(head.precision === 'zeros' ? ['', ...wrapLines(IMPRECISE, WIDTH)] : []),
  ];
  return `${lines.join('\n')}\n`;
}

const IMPRECISE =
  'Their chunks have other sizes, or are named by another kind of digest: only zeros could be ' +
  'compared, and all else counts as changed.';

function kindLines(bytes: DiffTotals['bytes']): string[] {
  const rows = MEANINGS.filter(([change]) => bytes[change] > 0).map(([change, meaning]) => [
    change,
    formatSize(bytes[change]),
    meaning,
  ]);
  const [, ...lines] = tableLines(
    [
      { title: '', align: 'left' },
      { title: '', align: 'right' },
      { title: '', align: 'left' },
    ],
    rows,
  );
  return lines.map((line) => `  ${line}`);
}

type Compared = Pick<DiffHead, 'before' | 'after'>;

/** An extent in one line, in bytes, so that scripts can read it, too. */
export function extentLine(compared: Compared, extent: DiffExtent): string {
  const { offset, lengthBytes, change } = extent;
  return row(compared, [String(offset), String(lengthBytes), change]);
}

/** The line above those of extents. */
export function extentTitles(compared: Compared): string {
  return row(compared, ['Offset', 'Length', 'Change']);
}

function row({ before, after }: Compared, cells: readonly [string, string, string]): string {
  const digits = String(Math.max(before.sizeBytes, after.sizeBytes)).length;
  const width = Math.max(digits, 'Offset'.length);
  const [offset, length, change] = cells;
  return `${offset.padStart(width)}  ${length.padStart(width)}  ${change}`;
}
