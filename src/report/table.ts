import { shorten, visible } from './names.ts';

/** Columns that a terminal is taken to have. */
export const WIDTH = 100;
const GAP = '  ';

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** Cells are shortened in the middle to this many characters. */
  readonly maxWidth?: number;
}

/**
 * Lines of a table with aligned columns. The last column gets the room that is left, so that no
 * line has more than `width` characters as long as the others' widths allow. Escapes what would not
 * show.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = WIDTH,
): string[] {
  const cells = [columns.map((column) => column.title), ...rows].map((row) =>
    columns.map((column, index) => shorten(visible(row[index] ?? ''), column.maxWidth ?? width)),
  );
  const widths = columns.map((_, index) =>
    cells.reduce((most, row) => Math.max(most, lengthOf(row[index] ?? '')), 0),
  );
  const before = widths.slice(0, -1).reduce((total, own) => total + own + GAP.length, 0);
  const last = columns.length - 1;
  widths[last] = Math.min(widths[last] ?? 0, Math.max(10, width - before));
  return cells.map((row) =>
    columns
      .map(({ align }, index) =>
        pad(shorten(row[index] ?? '', widths[index] ?? 0), align, widths[index] ?? 0),
      )
      .join(GAP)
      .trimEnd(),
  );
}

/** `text` broken at blanks into lines of at most `width` characters; longer words are cut. */
export function wrapLines(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of visible(text).split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (lengthOf(joined) <= width) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = piecesOf(word, width);
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1) ?? '';
  }
  return line === '' ? lines : [...lines, line];
}

function piecesOf(word: string, width: number): string[] {
  const characters = Array.from(word);
  const count = Math.ceil(characters.length / width);
  return Array.from({ length: count }, (_, index) =>
    characters.slice(index * width, (index + 1) * width).join(''),
  );
}

function pad(text: string, align: 'left' | 'right', width: number): string {
  const blanks = ' '.repeat(Math.max(0, width - lengthOf(text)));
  return align === 'left' ? text + blanks : blanks + text;
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}
