import { KgetError } from './error.ts';
import { segmentMatcher } from './glob-segment.ts';

/** Patterns that one pattern may stand for by its braces. */
const MAX_ALTERNATIVES = 1024;

/** Four times as long as a path may be (PATH_MAX of Linux): braces make patterns longer. */
const MAX_PATTERN_CHARACTERS = 16_384;

/** What of a pattern is shown in an error. */
const MAX_SHOWN_CHARACTERS = 80;

/** One name between two slashes of a pattern. */
export type Segment =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'match'; readonly matches: (name: string) => boolean }
  /** `**`: any number of directories. */
  | { readonly kind: 'deep' };

/**
 * The segments of a glob: `*`, `?`, `[a-z]`, `[!a-z]` and `**` as bash knows them (with globstar):
 * names that begin with a dot are matched only by a dot, a backslash takes a character as it is.
 */
export function parseGlob(pattern: string): readonly Segment[] {
  return (
    pattern
      .split('/')
      .filter((segment) => segment !== '' && segment !== '.')
      // `**/**` finds the same as `**`, only more often.
      .filter((segment, place, all) => segment !== '**' || all[place - 1] !== '**')
      .map(parseSegment)
  );
}

function parseSegment(text: string): Segment {
  if (text === '**') return { kind: 'deep' };
  if (!/[*?[]/.test(text.replaceAll(/\\./g, ''))) {
    return { kind: 'name', name: text.replaceAll(/\\(.)/g, '$1') };
  }
  const isMatch = segmentMatcher(text);
  const dots = text.startsWith('.') || text.startsWith('\\.');
  return { kind: 'match', matches: (name) => (dots || !name.startsWith('.')) && isMatch(name) };
}

/**
 * The patterns that a pattern stands for by its braces: `a{b,c}` is `ab` and `ac`. @throws
 * KgetError `usage`
 */
export function expandBraces(pattern: string): readonly string[] {
  if (pattern.length > MAX_PATTERN_CHARACTERS) {
    throw tooMuch(pattern, `at most ${MAX_PATTERN_CHARACTERS} characters`);
  }
  const done: string[] = [];
  const pending = [pattern];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const parts = splitBraces(next) ?? [];
    if (parts.length === 0) done.push(next);
    if (done.length + pending.length + parts.length > MAX_ALTERNATIVES) {
      throw tooMuch(pattern, `at most ${MAX_ALTERNATIVES} alternatives in braces`);
    }
    pending.push(...parts.toReversed());
  }
  return done;
}

function tooMuch(pattern: string, wanted: string): KgetError {
  const more = pattern.length > MAX_SHOWN_CHARACTERS ? '…' : '';
  const shown = `"${pattern.slice(0, MAX_SHOWN_CHARACTERS)}${more}"`;
  return new KgetError('usage', `Cannot expand ${shown}: wanted ${wanted}`);
}

/** The alternatives of the first braces with a comma in them; undefined if there are none. */
function splitBraces(pattern: string): string[] | undefined {
  const braces = firstBraces(pattern);
  if (braces === undefined) return undefined;
  const { cuts } = braces;
  const [before, after] = [pattern.slice(0, braces.open), pattern.slice(braces.close + 1)];
  return [...cuts, braces.close].map((end, place) => {
    const from = (cuts[place - 1] ?? braces.open) + 1;
    return before + pattern.slice(from, end) + after;
  });
}

interface Braces {
  readonly open: number;
  readonly close: number;
  /** Where its own commas are. */
  readonly cuts: readonly number[];
}

/** The first braces with a comma in them. One pass: it is repeated for each alternative. */
function firstBraces(pattern: string): Braces | undefined {
  const opened: { readonly open: number; readonly cuts: number[] }[] = [];
  let first: Braces | undefined;
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at];
    if (character === '\\') at += 1;
    else if (character === '{') opened.push({ open: at, cuts: [] });
    else if (character === ',') opened.at(-1)?.cuts.push(at);
    else if (character === '}') {
      const braces = opened.pop();
      if (braces === undefined || braces.cuts.length === 0) continue;
      if (first === undefined || braces.open < first.open) first = { ...braces, close: at };
    }
  }
  return first;
}
