import { isPadded, MAX_DIGITS } from './pattern.ts';

/**
 * A name, or several that differ only in their numbers: texts with a number or range between each
 * two.
 */
interface Row {
  readonly texts: readonly string[];
  /** Digits, or a range in brackets. */
  readonly numbers: readonly string[];
}

/** Numbers short enough for a range; longer ones stay part of the text. */
const NUMBER = new RegExp(`(?<!\\d)(\\d{1,${MAX_DIGITS}})(?!\\d)`);

/**
 * A short node set for these names, for messages: `node[01-64,70]`, `rack[1-4]n[01-10]`. It stands
 * for exactly these names, if not always in the same order; patterns come in the order of their
 * first name.
 */
export function foldNodeSet(names: Iterable<string>): string {
  const families = groupBy(new Set(names), (name) => name.split(NUMBER).filter(isText).join('\0'));
  return [...families.values()].map(foldFamily).join(',');
}

function isText(_part: string, index: number): boolean {
  return index % 2 === 0;
}

/** Folds names with the same texts, one number after the other, the last first. */
function foldFamily(names: readonly string[]): string {
  let rows = names.map((name): Row => {
    const parts = name.split(NUMBER);
    return { texts: parts.filter(isText), numbers: parts.filter((_, index) => index % 2 === 1) };
  });
  const dimensions = rows[0]?.numbers.length ?? 0;
  for (let dimension = dimensions - 1; dimension >= 0; dimension -= 1) {
    rows = foldDimension(rows, dimension);
  }
  return rows.map(render).join(',');
}

/** Groups in the order of their first members; Node 20 has no `Map.groupBy`. */
function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** Joins rows that differ in one number only. */
function foldDimension(rows: readonly Row[], dimension: number): Row[] {
  const alike = groupBy(rows, ({ numbers }) => numbers.toSpliced(dimension, 1).join('\0'));
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const ranges = foldNumbers(group.map(({ numbers }) => numbers[dimension] ?? ''));
    return [{ texts: first.texts, numbers: first.numbers.with(dimension, ranges) }];
  });
}

/** `[01-03,7]` of digits, or the digits themselves if there is one number only. */
function foldNumbers(digits: readonly string[]): string {
  const sorted = digits.toSorted((a, b) => a.length - b.length || Number(a) - Number(b));
  const ranges: { first: string; last: string }[] = [];
  for (const next of sorted) {
    const range = ranges.at(-1);
    if (range !== undefined && continues(range, next)) range.last = next;
    else ranges.push({ first: next, last: next });
  }
  if (sorted.length === 1) return sorted[0] ?? '';
  const texts = ranges.map(({ first, last }) => (first === last ? first : `${first}-${last}`));
  return `[${texts.join(',')}]`;
}

/**
 * Whether a range may end with `next`: numbers of other lengths follow only where nothing is
 * padded.
 */
function continues({ first, last }: { first: string; last: string }, next: string): boolean {
  if (Number(next) !== Number(last) + 1) return false;
  return next.length === last.length || (!isPadded(first) && !isPadded(next));
}

function render({ texts, numbers }: Row): string {
  return texts.map((text, index) => `${text}${numbers[index] ?? ''}`).join('');
}
