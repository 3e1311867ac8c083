/** What takes one character of a name, or any number of them. */
type Token = 'star' | ((character: string) => boolean);

/** A character behind a backslash, stars, a question mark, a set in brackets, or any character. */
const TOKENS = /\\(.)|\*+|\?|\[([!^]?)(\]?[^\]]*)\]|./gsu;

/**
 * Whether names match one segment of a glob. Takes time in proportion to the lengths of pattern and
 * name multiplied, however many stars there are: as a regular expression it would be exponential.
 */
export function segmentMatcher(text: string): (name: string) => boolean {
  const tokens = tokensOf(text);
  // A range that runs backwards, such as `[9-0]`: a shell matches nothing with it.
  if (tokens === undefined) return () => false;
  return (name) => matches(tokens, Array.from(name));
}

/** Undefined if a set in brackets is none. */
function tokensOf(text: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  for (const [token, escaped, not, set] of text.matchAll(TOKENS)) {
    if (escaped !== undefined) tokens.push(is(escaped));
    else if (token.startsWith('*')) tokens.push('star');
    else if (token === '?') tokens.push(() => true);
    else if (set === undefined || set === '') tokens.push(...Array.from(token, is));
    else {
      const oneOf = setOf(set, { isNegated: not !== '' });
      if (oneOf === undefined) return undefined;
      tokens.push(oneOf);
    }
  }
  return tokens;
}

function is(wanted: string): (character: string) => boolean {
  return (character) => character === wanted;
}

function setOf(
  set: string,
  { isNegated }: { readonly isNegated: boolean },
): ((character: string) => boolean) | undefined {
  const members = set.replaceAll(/[\]\\[^]/g, String.raw`\$&`);
  try {
    const pattern = new RegExp(`^[${isNegated ? '^' : ''}${members}]$`, 'su');
    return (character) => pattern.test(character);
  } catch {
    return undefined;
  }
}

/**
 * Where a character does not fit, the last star takes one more: what an earlier star could take
 * instead, the last one could take as well.
 */
function matches(tokens: readonly Token[], characters: readonly string[]): boolean {
  let at = 0;
  let next = 0;
  let star: { readonly token: number; taken: number } | undefined;
  while (next < characters.length) {
    const token = tokens[at];
    if (token === 'star') {
      star = { token: at, taken: next };
      at += 1;
    } else if (token?.(characters[next] ?? '') === true) {
      at += 1;
      next += 1;
    } else if (star === undefined) {
      return false;
    } else {
      star.taken += 1;
      next = star.taken;
      at = star.token + 1;
    }
  }
  while (tokens[at] === 'star') at += 1;
  return at === tokens.length;
}
