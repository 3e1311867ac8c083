import { LineCounter, parseDocument, type Document } from 'yaml';
import type * as z from 'zod/mini';
import { KgetError } from './error.ts';
import { faultsOf, type Fault } from './schema-faults.ts';

/** Characters of a document; recipes and job files have a few thousand at most. */
const MAX_CHARACTERS = 1024 ** 2;
/** Uses of aliases, each of which may stand for many nodes: a few of them within each other explode. */
const MAX_ALIASES = 100;
/** Faults that are told; the rest are counted. */
const MAX_FAULTS = 20;

/** The text of a YAML file; `file` names it in errors. */
export interface YamlSource {
  readonly text: string;
  readonly file: string;
}

export interface YamlKind<T> {
  /** What people call it: `recipe`. */
  readonly title: string;
  /** Strict objects, so that a misspelt key is not just passed over. */
  readonly fields: z.ZodMiniType<T>;
}

export interface ParsedYaml<T> {
  readonly value: T;
  /** `job.yaml:7:3` of what is at a path, or of the nearest thing above it that is there. */
  positionOf(path: readonly PropertyKey[]): string;
}

/**
 * Reads a YAML 1.2 file that people write. @throws KgetError `usage`, with a line `FILE:LINE:COLUMN:
 * …` for each fault
 */
export function parseYaml<T>({ text, file }: YamlSource, kind: YamlKind<T>): ParsedYaml<T> {
  const refuse = (found: string, cause?: unknown): KgetError =>
    new KgetError('usage', `${file}:1:1: cannot read it as a ${kind.title}: ${found}`, { cause });
  if (text.length > MAX_CHARACTERS) {
    throw refuse(`${text.length} characters found, wanted at most ${MAX_CHARACTERS}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
  });
  const positionAt = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const errors = [...document.errors, ...document.warnings];
  if (errors.length > 0) {
    throw faulty(errors.map((it) => `${positionAt(it.pos[0])}: ${it.message}`));
  }
  let plain: unknown;
  try {
    plain = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
  const positionOf = (path: readonly PropertyKey[]): string => positionAt(offsetOf(document, path));
  const parsed = kind.fields.safeParse(plain);
  if (parsed.success) return { value: parsed.data, positionOf };
  const faults = faultsOf(kind.fields, parsed.error.issues, plain).toSorted(
    (one, other) => offsetOf(document, one.path) - offsetOf(document, other.path),
  );
  throw faulty(faults.map((fault) => sentence(fault, positionOf)));
}

function faulty(lines: readonly string[]): KgetError {
  const more = lines.length > MAX_FAULTS ? [`(and ${lines.length - MAX_FAULTS} more faults)`] : [];
  return new KgetError('usage', [...lines.slice(0, MAX_FAULTS), ...more].join('\n'));
}

function sentence(fault: Fault, positionOf: ParsedYaml<unknown>['positionOf']): string {
  const name = fault.path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
  return `${positionOf(fault.path)}: ${name === '' ? '' : `${name}: `}${fault.text}`;
}

/** Where the key stands, if the path ends in one, else the value. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let offset = rangeStart(document.contents) ?? 0;
  let node: unknown = document.contents;
  for (const key of path) {
    const child = childOf(node, key, document);
    if (child === undefined) break;
    offset = child.offset;
    node = child.node;
  }
  return offset;
}

function childOf(
  parent: unknown,
  key: PropertyKey,
  document: Document,
): { offset: number; node: unknown } | undefined {
  const node = resolved(parent, document);
  if (typeof node !== 'object' || node === null || !('items' in node)) return undefined;
  const items = node.items as readonly unknown[];
  if (typeof key === 'number') {
    const item = items[key];
    const offset = rangeStart(item);
    return offset === undefined ? undefined : { offset, node: item };
  }
  for (const item of items) {
    const pair = item as { readonly key?: unknown; readonly value?: unknown };
    const found = pair.key as { readonly value?: unknown } | undefined;
    const offset = rangeStart(found);
    if (offset !== undefined && String(found?.value) === String(key)) {
      return { offset, node: pair.value };
    }
  }
  return undefined;
}

function resolved(node: unknown, document: Document): unknown {
  const isAlias = typeof node === 'object' && node !== null && 'resolve' in node;
  if (!isAlias) return node;
  return (node as { resolve(of: Document): unknown }).resolve(document);
}

function rangeStart(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  const [start] = (node.range ?? []) as readonly number[];
  return start;
}
