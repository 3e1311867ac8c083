import type * as z from 'zod/mini';
import { assert } from './assert.ts';
import { KgetError } from './error.ts';

/** The text of a JSON file of any origin; `file` names it in errors. */
export interface DocumentSource {
  readonly text: string;
  readonly file: string;
}

/** A kind of JSON files, each of which says in its field `schema` what it is. */
export interface DocumentKind<T> {
  /** What people call it: `report`. */
  readonly title: string;
  /** Name and version of the format: `kgetplus.report/1`. */
  readonly schema: string;
  readonly fields: z.ZodMiniType<T>;
}

/**
 * Reads a JSON file. Fields that are not known are left out.
 * @throws KgetError `corrupt`, or `version` for a document of another schema
 */
export function parseDocument<T>({ text, file }: DocumentSource, kind: DocumentKind<T>): T {
  const refuse = `Cannot read "${file}" as a ${kind.title}`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new KgetError('corrupt', `${refuse}: it is not JSON: ${found}`, { cause });
  }
  const found = schemaOf(value);
  if (found === undefined) {
    throw new KgetError('corrupt', `${refuse}: no field "schema" found, wanted "${kind.schema}"`);
  }
  if (found !== kind.schema) {
    throw new KgetError(
      'version',
      `${refuse}: schema ${JSON.stringify(found)} found, wanted "${kind.schema}": ` +
        'use the version of kgetplus that wrote it',
    );
  }
  const parsed = kind.fields.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new KgetError('corrupt', `${refuse}: ${describe(parsed.error.issues)}`, {
    cause: parsed.error,
  });
}

function schemaOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('schema' in value)) return undefined;
  return typeof value.schema === 'string' ? value.schema : undefined;
}

function describe(issues: readonly z.core.$ZodIssue[]): string {
  const first = issues[0];
  assert(first !== undefined, 'a failed parse has an issue');
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more faults)` : '';
  return `${pathOf(first.path)}: ${wanted(first)}${more}`;
}

function pathOf(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  return text.join('').replace(/^\./, '');
}

function wanted(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `wanted ${issue.expected}`;
  if (issue.code === 'too_small') return `wanted at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `wanted at most ${issue.maximum}`;
  if (issue.code === 'invalid_format') return `wanted ${issue.format}`;
  if (issue.code === 'invalid_value') return `wanted ${JSON.stringify(issue.values)}`;
  return issue.message;
}
