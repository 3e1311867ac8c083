import type * as z from 'zod/mini';
import { nearestName } from './nearest-name.ts';
import { keysOf, optionsOf, schemasAt } from './schema-walk.ts';

/** One thing that is wrong with a value, in words for whoever wrote it. */
export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly text: string;
}

/** What of a value that is wrong is shown. */
const MAX_SHOWN_CHARACTERS = 60;

/** Zod's own words without a locale; other words are the schema's. */
const NO_WORDS = 'Invalid input';

type Schema = z.core.$ZodType;
type Issue = z.core.$ZodIssue;

/** The faults that a failed parse of `value` by `schema` found, in the order in which it found them. */
export function faultsOf(
  schema: Schema,
  issues: readonly Issue[],
  value: unknown,
): readonly Fault[] {
  return issues.flatMap((issue): readonly Fault[] => {
    const schemas = schemasAt(schema, issue.path);
    const found = valueAt(value, issue.path);
    if (issue.code === 'unrecognized_keys') {
      const known = keysOf(schemas);
      return issue.keys.map((key) => ({
        path: [...issue.path, key],
        text: unknownKey(key, known),
      }));
    }
    if (issue.code === 'invalid_union') return unionFaults(issue, schemas, found);
    return [{ path: issue.path, text: `${shown(found)} found, wanted ${wantedBy(issue)}` }];
  });
}

/** The faults of the option that was meant: the one most of whose keys are there. */
function unionFaults(
  issue: z.core.$ZodIssueInvalidUnion,
  schemas: readonly Schema[],
  found: unknown,
): readonly Fault[] {
  const keys = typeof found === 'object' && found !== null ? Object.keys(found) : [];
  const options = schemas.flatMap((it) => optionsOf(it));
  const [meant] = issue.errors
    .flatMap((errors, at) => {
      const option = options[at];
      return option === undefined ? [] : [{ errors, option, hits: hitsOf(option, keys) }];
    })
    .toSorted((one, other) => other.hits - one.hits);
  if (meant !== undefined && meant.hits > 0) {
    return faultsOf(meant.option, meant.errors, found).map(({ path, text }) => ({
      path: [...issue.path, ...path],
      text,
    }));
  }
  const names = keysOf(options);
  const wanted = names.length > 0 ? `a mapping with ${names.join(' or ')}` : wantedBy(issue);
  return [{ path: issue.path, text: `${shown(found)} found, wanted ${wanted}` }];
}

function hitsOf(option: Schema, keys: readonly string[]): number {
  return keysOf([option]).filter((key) => keys.includes(key)).length;
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearestName(key, known);
  if (near !== undefined) return `there is no such key here: did you mean ${near}?`;
  return `there is no such key here, wanted ${known.length > 0 ? known.join(', ') : 'none'}`;
}

function wantedBy(issue: Issue): string {
  if (issue.message !== NO_WORDS) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return kindWords[issue.expected] ?? `a ${issue.expected}`;
    case 'too_small':
      return `at least ${issue.minimum}`;
    case 'too_big':
      return `at most ${issue.maximum}`;
    case 'invalid_format':
      return issue.pattern === undefined ? `a ${issue.format}` : `what matches ${issue.pattern}`;
    case 'invalid_value':
      return issue.values.map(String).join(' or ');
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.map(wantedBy).join('; ');
    case 'invalid_union':
      return unionWords(issue);
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'unrecognized_keys':
    case 'custom':
      return 'something else';
  }
}

/** YAML's words for zod's. */
const kindWords: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  int: 'a whole number',
};

function unionWords(issue: z.core.$ZodIssueInvalidUnion): string {
  if ('options' in issue && Array.isArray(issue.options)) {
    return issue.options.map(String).join(' or ');
  }
  return [...new Set(issue.errors.flatMap((errors) => errors.map(wantedBy)))].join(' or ');
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  // Of a YAML document nothing is left but null, booleans, numbers and texts.
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    return (at as Readonly<Record<PropertyKey, unknown>>)[key];
  }, value);
}
