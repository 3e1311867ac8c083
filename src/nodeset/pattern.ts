import { fault, type SetText } from './fault.ts';

/** How many nodes a node set may stand for. */
export const MAX_NODES = 100_000;

/** The longest number in brackets: all of these are exact. */
export const MAX_DIGITS = 15;

/** The longest name, not counting what stands in brackets: as long as names of files may be. */
const MAX_NAME_CHARACTERS = 255;

/** What a range is made of: `08-12/2`, blanks allowed. */
const RANGE = /^\s*(\d+)\s*(?:-\s*(\d+)\s*(?:\/\s*(\d+)\s*)?)?$/;

/**
 * What may not stand in a name: a node's name becomes a word of ssh's command line and the name of
 * a directory.
 */
const NOT_IN_NAMES = /[^\p{L}\p{N}._:%@+~=-]/u;

/** A part of a node set that stands for one or more names: `rack[1-4]n[01-10]-ib`. */
export interface Pattern {
  readonly set: SetText;
  readonly text: string;
  /** Where `text` begins in the set. */
  readonly at: number;
}

/**
 * The names that a pattern stands for, the last bracket varying fastest. @throws KgetError `usage`
 */
export function expandPattern(pattern: Pattern): string[] {
  const { set, text, at } = pattern;
  if (text.replaceAll(/\[[^\]]*\]/g, '').length > MAX_NAME_CHARACTERS) {
    throw fault(set, { at, what: `a name of more than ${MAX_NAME_CHARACTERS} characters` });
  }
  let names = [''];
  let end = 0;
  for (const match of text.matchAll(/\[([^\]]*)\]/g)) {
    if (match.index === end && end > 0) {
      throw fault(set, { at: at + end, what: 'a bracket right behind another one' });
    }
    const literal = text.slice(end, match.index);
    const values = expandRanges(match[1] ?? '', { set, at: at + match.index + 1 });
    if (names.length * values.length > MAX_NODES) throw tooMany(set, at);
    names = names.flatMap((name) => values.map((value) => `${name}${literal}${value}`));
    end = match.index + match[0].length;
  }
  return names.map((name) => name + text.slice(end));
}

/** Refuses a name that cannot be a node's. @throws KgetError `usage` */
export function checkName(name: string, { set, text, at }: Pattern): void {
  const found = NOT_IN_NAMES.exec(name)?.[0];
  if (found !== undefined) {
    const where = at + Math.max(0, text.indexOf(found));
    throw fault(set, { at: where, what: `"${found}" cannot be part of a node's name` });
  }
  if (!/^[-.~=+%@]/.test(name)) return;
  throw fault(set, { at, what: `"${name}" cannot be a node's name, for its first character` });
}

/** The error for a set of more than `MAX_NODES`. */
export function tooMany(set: SetText, at: number) {
  return fault(set, { at, what: `more than ${MAX_NODES} nodes` });
}

/** The numbers of `01-03,70` as they are written in names. */
function expandRanges(ranges: string, { set, at }: { set: SetText; at: number }): string[] {
  const values: string[] = [];
  let start = at;
  for (const range of ranges.split(',')) {
    for (const value of expandRange(range, { set, at: start })) values.push(value);
    if (values.length > MAX_NODES) throw tooMany(set, start);
    start += range.length + 1;
  }
  return values;
}

function expandRange(range: string, { set, at }: { set: SetText; at: number }): string[] {
  const problem = (what: string) => fault(set, { at, what });
  const match = RANGE.exec(range);
  if (range.trim() === '') throw problem('a number is missing here');
  if (match === null) throw problem(`"${range}" is no range: wanted e.g. 7, 1-64 or 0-20/2`);
  const [, first = '', last = first, step = '1'] = match;
  if (Math.max(first.length, last.length, step.length) > MAX_DIGITS) {
    throw problem(`numbers in "${range}" have more than ${MAX_DIGITS} digits`);
  }
  const padded = isPadded(first) || isPadded(last);
  if (padded && first.length !== last.length) {
    throw problem(`the numbers of "${range}" are padded with zeros to different lengths`);
  }
  const [from, to, by] = [Number(first), Number(last), Number(step)];
  if (from > to) throw problem(`the range "${range}" runs backwards`);
  if (by === 0) throw problem(`the range "${range}" has steps of 0`);
  const count = Math.floor((to - from) / by) + 1;
  if (count > MAX_NODES) throw tooMany(set, at);
  const width = padded ? first.length : 0;
  return Array.from({ length: count }, (_, index) =>
    String(from + index * by).padStart(width, '0'),
  );
}

/** Whether a number is written with zeros in front, so that all of its range is as long. */
export function isPadded(digits: string): boolean {
  return digits.length > 1 && digits.startsWith('0');
}
