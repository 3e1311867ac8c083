import { KgetError } from '../base/error.ts';

/** A named node set. */
export interface Group {
  readonly source: string;
  readonly name: string;
  /** A node set; blanks separate nodes, too, and groups without a source are of this one. */
  readonly nodes: string;
  /** File and line, for errors. */
  readonly origin: string;
}

/** A file that defines groups. */
export interface GroupFile {
  readonly path: string;
  readonly text: string;
}

const NAME = '[\\w.-]+';
const FLAT_LINE = new RegExp(`^(${NAME}):(.*)$`);
const SOURCE_LINE = new RegExp(`^(${NAME}):$`);
const GROUP_LINE = new RegExp(`^\\s+(['"]?)(${NAME})\\1:(?:\\s+(.*))?$`);
const ITEM_LINE = /^\s+-\s+(.*)$/;

/** The groups of lines `NAME: NODESET`, with comments from `#` on. @throws KgetError `usage` */
export function readFlatGroups(file: GroupFile, source: string): Group[] {
  return contentLines(file).map(({ line, origin }) => {
    const [, name, nodes = ''] = FLAT_LINE.exec(line) ?? [];
    if (name === undefined) throw unreadable(origin, { line, wanted: '"NAME: NODESET"' });
    return { source, name, nodes: nodes.trim(), origin };
  });
}

/**
 * The groups of a YAML file, as far as ClusterShell's own examples go: sources at the left margin,
 * under them `group: nodeset` or `group:` and a list of node sets, each perhaps in quotes.
 * @throws KgetError `usage` for any other YAML
 */
export function readYamlGroups(file: GroupFile): Group[] {
  const groups: Group[] = [];
  let source: string | undefined;
  let listed: Group | undefined;
  for (const { line, origin } of contentLines(file)) {
    if (line === '---') continue;
    const [, newSource] = SOURCE_LINE.exec(line) ?? [];
    const [, , name, value = ''] = GROUP_LINE.exec(line) ?? [];
    const [, item] = ITEM_LINE.exec(line) ?? [];
    if (newSource !== undefined) {
      source = newSource;
      listed = undefined;
    } else if (item !== undefined && listed !== undefined) {
      const nodes = [listed.nodes, scalar(item, origin)].filter(Boolean).join(',');
      listed = { ...listed, nodes };
      groups.splice(-1, 1, listed);
    } else if (name !== undefined && source !== undefined) {
      const group = { source, name, nodes: value === '' ? '' : scalar(value, origin), origin };
      groups.push(group);
      listed = value === '' ? group : undefined;
    } else {
      const wanted =
        '"SOURCE:" and under it "GROUP: NODESET" or a list; no other YAML is understood';
      throw unreadable(origin, { line, wanted });
    }
  }
  return groups;
}

/** The text of a value in single quotes, double quotes, or none. */
function scalar(value: string, origin: string): string {
  const match = /^(?:'((?:[^']|'')*)'|"([^"\\]*)"|([^'"[{&*!|>%`].*))$/.exec(value.trim());
  if (match !== null) return match[1]?.replaceAll("''", "'") ?? match[2] ?? match[3] ?? '';
  throw unreadable(origin, { line: value, wanted: 'a node set, in quotes or plain' });
}

/** The lines that say something, without comments and blanks at their ends, and where they are. */
function contentLines({ path, text }: GroupFile): { line: string; origin: string }[] {
  return text
    .split('\n')
    .map((line, index) => ({
      line: line.replace(/(^|\s)#.*$/, '').trimEnd(),
      origin: `${path}:${index + 1}`,
    }))
    .filter(({ line }) => line !== '');
}

function unreadable(origin: string, { line, wanted }: { line: string; wanted: string }): KgetError {
  const found = line.trim().slice(0, 80);
  return new KgetError(
    'usage',
    `Cannot read the groups of ${origin}: "${found}", wanted ${wanted}`,
  );
}
