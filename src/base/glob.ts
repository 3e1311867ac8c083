import { KgetError } from './error.ts';

/** Patterns that one pattern may stand for by its braces. */
const MAX_ALTERNATIVES = 1024;

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

/**
 * The patterns that a pattern stands for by its braces: `a{b,c}` is `ab` and `ac`. @throws
 * KgetError `usage`
 */
export function expandBraces(pattern: string): readonly string[] {
  const done: string[] = [];
  const pending = [pattern];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const parts = splitBraces(next);
    if (parts === undefined) done.push(next);
    else pending.push(...parts.toReversed());
    if (done.length + pending.length > MAX_ALTERNATIVES) {
      throw new KgetError(
        'usage',
        `Cannot expand "${pattern}": wanted at most ${MAX_ALTERNATIVES} alternatives in braces`,
      );
    }
  }
  return done;
}

/** The alternatives of the first braces with a comma in them; undefined if there are none. */
function splitBraces(pattern: string): string[] | undefined {
  for (let open = 0; open < pattern.length; open += 1) {
    if (pattern[open] === '\\') open += 1;
    else if (pattern[open] === '{') {
      const braces = readBraces(pattern, open);
      if (braces === undefined || braces.parts.length < 2) continue;
      const [before, after] = [pattern.slice(0, open), pattern.slice(braces.end)];
      return braces.parts.map((part) => before + part + after);
    }
  }
  return undefined;
}

function readBraces(
  pattern: string,
  open: number,
): { readonly parts: string[]; readonly end: number } | undefined {
  const parts: string[] = [];
  let depth = 0;
  let from = open + 1;
  for (let at = open; at < pattern.length; at += 1) {
    const character = pattern[at];
    if (character === '\\') at += 1;
    else if (character === '{') depth += 1;
    else if (character === '}') depth -= 1;
    if (depth === 0 || (depth === 1 && character === ',')) {
      parts.push(pattern.slice(from, at));
      from = at + 1;
    }
    if (depth === 0) return { parts, end: from };
  }
  return undefined;
}

function parseSegment(text: string): Segment {
  if (text === '**') return { kind: 'deep' };
  if (!/[*?[]/.test(text.replaceAll(/\\./g, ''))) {
    return { kind: 'name', name: text.replaceAll(/\\(.)/g, '$1') };
  }
  const pattern = toPattern(text);
  const dots = text.startsWith('.') || text.startsWith('\\.');
  return {
    kind: 'match',
    matches: (name) => (dots || !name.startsWith('.')) && pattern.test(name),
  };
}

function toPattern(text: string): RegExp {
  try {
    return new RegExp(`^${toSource(text)}$`, 'su');
  } catch {
    // A range that runs backwards, such as `[9-0]`: a shell matches nothing with it.
    return /(?!)/;
  }
}

/** The source of a regular expression for one segment. */
function toSource(text: string): string {
  const tokens = /\\(.)|\*+|\?|\[([!^]?)(\]?[^\]]*)\]|./gsu;
  return text.replaceAll(tokens, (token, escaped?: string, not?: string, set?: string) => {
    if (escaped !== undefined) return literal(escaped);
    if (token.startsWith('*')) return '.*';
    if (token === '?') return '.';
    if (set === undefined || set === '') return literal(token);
    return `[${not === '' ? '' : '^'}${set.replaceAll(/[\]\\[^]/g, String.raw`\$&`)}]`;
  });
}

function literal(text: string): string {
  return text.replaceAll(/[$()*+./?[\\\]^{|}]/g, String.raw`\$&`);
}
