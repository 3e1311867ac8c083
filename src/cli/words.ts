import { KgetError } from '../base/error.ts';

/**
 * Splits a command into words as a shell would, with single and double quotes and backslashes;
 * nothing is expanded. @throws KgetError `usage` for a quote that does not end
 */
export function splitWords(command: string): string[] {
  const words: string[] = [];
  const pattern = /\s*((?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+)|\s*$|\s*(.)/gsy;
  for (const match of command.matchAll(pattern)) {
    if (match[2] !== undefined) {
      throw new KgetError('usage', `Cannot split the command ${command}: a quote does not end`);
    }
    if (match[1] !== undefined) words.push(unquote(match[1]));
  }
  return words;
}

function unquote(word: string): string {
  return word.replaceAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs, (_, single, double, escaped) => {
    if (single !== undefined) return String(single);
    if (double !== undefined) return String(double).replaceAll(/\\(["\\$`])/g, '$1');
    return String(escaped);
  });
}

/** A command with these words, as a shell has to be given it. */
export function commandLine(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
