import { KgetError } from '../base/error.ts';
import { fault, type SetText } from './fault.ts';
import type { Group } from './group-files.ts';
import type { GroupSources } from './groups.ts';
import { combine, operandsOf, type Operand } from './operands.ts';
import { checkName, expandPattern, MAX_NODES, tooMany } from './pattern.ts';

/** How deep groups and files may refer to each other. */
export const MAX_DEPTH = 64;

export interface NodeSetOptions {
  /** What `@name` and `@source:name` stand for; without it there are no groups. */
  readonly groups?: GroupSources;
  /**
   * The text of the file of an `@FILE`, or undefined if there is none; without it there are no
   * files.
   */
  readonly readText?: (path: string) => string | undefined;
}

/**
 * The nodes of a ClusterShell node set, each once, in the order in which they are first named:
 * `node[01-64,70]`, `rack[1-4]n[1-10/2]-ib`, with the operators `,` (and), `!` (but not), `&`
 * (both), `^` (one of the two), applied from left to right. `@name` is a group if there is one of
 * that name, else a file with a node set a line. The result may be empty: `a!a`.
 * @throws KgetError `usage` with a message that shows the place
 */
export function parseNodeSet(text: string, options: NodeSetOptions = {}): string[] {
  return [...evaluate({ text }, { ...options, within: [], known: new Map() })];
}

/** `nodes` without those of the node set `exclusion`. @throws KgetError `usage` */
export function excludeNodes(
  nodes: readonly string[],
  exclusion: string,
  options: NodeSetOptions = {},
): string[] {
  const excluded = new Set(parseNodeSet(exclusion, options));
  return nodes.filter((node) => !excluded.has(node));
}

interface Context extends NodeSetOptions {
  /** The source of the group in which we are, for groups without one. */
  readonly source?: string;
  /** The groups and files in which we are, outermost first. */
  readonly within: readonly string[];
  /** What groups and files stand for that were read before. */
  readonly known: Map<string, ReadonlySet<string>>;
}

function evaluate(set: SetText, context: Context): Set<string> {
  const nodes = new Set<string>();
  for (const operand of operandsOf(set)) {
    combine(nodes, { operator: operand.operator, others: valueOf(set, operand, context) });
    if (nodes.size > MAX_NODES) throw tooMany(set, operand.at);
  }
  return nodes;
}

function valueOf(set: SetText, operand: Operand, context: Context): ReadonlySet<string> {
  if (operand.text.startsWith('@')) return referenceOf(set, operand, context);
  const pattern = { set, text: operand.text, at: operand.at };
  const names = expandPattern(pattern);
  for (const name of names) checkName(name, pattern);
  return new Set(names);
}

/** What `@name` stands for: groups, or else a file. */
function referenceOf(set: SetText, operand: Operand, context: Context): ReadonlySet<string> {
  const path = operand.text.slice(1);
  const names = expandPattern({ set, text: path, at: operand.at + 1 });
  const groups = names.map((name) => findGroup(name, context));
  const missing = names[groups.indexOf(undefined)];
  const at = operand.at;
  if (missing === undefined) {
    const nodes = new Set<string>();
    for (const group of groups) {
      if (group === undefined) continue;
      const others = remembered(`@${group.source}:${group.name}`, { set, at, context }, (inner) =>
        nodesOfGroup(group, { ...inner, source: group.source }),
      );
      combine(nodes, { operator: ',', others });
      if (nodes.size > MAX_NODES) throw tooMany(set, at);
    }
    return nodes;
  }
  const text = context.readText?.(path);
  if (text !== undefined) {
    return remembered(`@${path}`, { set, at, context }, (inner) => nodesOfFile(path, text, inner));
  }
  const tried = context.groups?.tried ?? 'no group files';
  throw fault(set, {
    at,
    what: `"@${path}" is neither a group (no "${missing}" in ${tried}) nor a file that can be read`,
  });
}

function findGroup(name: string, context: Context): Group | undefined {
  const colon = name.indexOf(':');
  const source = colon < 0 ? context.source : name.slice(0, colon);
  return context.groups?.find({
    name: name.slice(colon + 1),
    ...(source !== undefined && { source }),
  });
}

/** Reads each group and file once, and none within itself. */
function remembered(
  name: string,
  { set, at, context }: { set: SetText; at: number; context: Context },
  read: (inner: Context) => ReadonlySet<string>,
): ReadonlySet<string> {
  const before = context.known.get(name);
  if (before !== undefined) return before;
  const within = [...context.within, name];
  if (context.within.includes(name)) {
    throw fault(set, { at, what: `a circle: ${within.join(' → ')}` });
  }
  if (within.length > MAX_DEPTH) {
    throw fault(set, { at, what: `groups within groups more than ${MAX_DEPTH} deep` });
  }
  const nodes = read({ ...context, within });
  context.known.set(name, nodes);
  return nodes;
}

/** In group files blanks separate nodes, too. */
function nodesOfGroup(group: Group, context: Context): ReadonlySet<string> {
  const text = group.nodes
    .trim()
    .replaceAll(/\s*([,!&^])\s*/g, '$1')
    .replaceAll(/\s+/g, ',');
  if (text === '') return new Set();
  return evaluate({ text, origin: `group "${group.name}", ${group.origin}` }, context);
}

function nodesOfFile(path: string, text: string, context: Context): ReadonlySet<string> {
  const nodes = new Set<string>();
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.replace(/#.*$/, '').trim();
    if (content === '') continue;
    const others = evaluate({ text: content, origin: `${path}:${index + 1}` }, context);
    combine(nodes, { operator: ',', others });
    if (nodes.size > MAX_NODES) throw tooManyInFile(path);
  }
  return nodes;
}

function tooManyInFile(path: string): KgetError {
  return new KgetError(
    'usage',
    `Cannot read the node set of ${path}: more than ${MAX_NODES} nodes`,
  );
}
