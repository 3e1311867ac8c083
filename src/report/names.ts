/** How the frontend is called where a report names nodes (`to` of a transfer, end of a route). */
export const FRONTEND_NAME = 'frontend';

/**
 * `text` with every character that would not show as itself (controls, escape sequences, changes of
 * writing direction, lone surrogates) written as an escape: names and paths come from strangers.
 */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    if (character === '\n') return String.raw`\n`;
    if (character === '\t') return String.raw`\t`;
    return String.raw`\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}

/** `text` in at most `width` characters, without some of its middle: numbers tend to be last. */
export function shorten(text: string, width: number): string {
  const characters = Array.from(text);
  if (characters.length <= width) return text;
  const tail = Math.floor((width - 1) * 0.6);
  const head = width - 1 - tail;
  const kept = [...characters.slice(0, head), '…', ...characters.slice(characters.length - tail)];
  return kept.join('');
}

/**
 * A short form of each name that still tells them apart: without the domain that all names end in,
 * and where that is longer than `width`, without the words that all begin with.
 */
export function shortNames(names: readonly string[], width: number): ReadonlyMap<string, string> {
  const domain = commonDomain(names);
  const bare = names.map((name) => name.slice(0, name.length - domain.length));
  const isLong = bare.some((name) => Array.from(name).length > width);
  const prefix = isLong ? commonPrefix(bare) : '';
  return new Map(
    names.map((name, index) => {
      const rest = (bare[index] ?? '').slice(prefix.length);
      return [name, shorten(prefix === '' ? rest : `…${rest}`, width)];
    }),
  );
}

/** The domain (`.rack1.example.org`) that all names end in, or an empty string. */
function commonDomain(names: readonly string[]): string {
  const first = names[0];
  if (first === undefined || names.length < 2) return '';
  for (let dot = first.indexOf('.'); dot > 0; dot = first.indexOf('.', dot + 1)) {
    const domain = first.slice(dot);
    const isShared = names.every((name) => name.endsWith(domain) && name.length > domain.length);
    // The last parts of an IPv4 address are no domain: 10.0.1.7 and 10.1.1.7 keep them.
    if (isShared && /[A-Za-z]/.test(domain)) return domain;
  }
  return '';
}

/** The words, with the separator that follows, that all names begin with; no name is used up. */
function commonPrefix(names: readonly string[]): string {
  const first = names[0];
  if (first === undefined || names.length < 2) return '';
  const ends = Array.from(
    first.matchAll(/[^A-Za-z0-9]+/g),
    (match) => match.index + match[0].length,
  );
  const end = ends.findLast((length) =>
    names.every((name) => name.startsWith(first.slice(0, length)) && name.length > length),
  );
  return first.slice(0, end ?? 0);
}
