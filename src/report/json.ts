import type * as z from 'zod/mini';
import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import type { RunReport } from './record.ts';
import { runReport, SCHEMA, schemaName } from './schema.ts';

/** The report as the text of a JSON file, indented and with a newline at the end. */
export function serialiseReport(report: RunReport): string {
  return `${JSON.stringify(report, finite, 2)}\n`;
}

/** JSON would silently turn NaN and infinities into null. */
function finite(key: string, value: unknown): unknown {
  assert(typeof value !== 'number' || Number.isFinite(value), `report field ${key} is a number`);
  return value;
}

/**
 * The report in the text of a JSON file of any origin; `file` names it in errors. Fields that are
 * not known are left out.
 *
 * @throws KgetError `corrupt`, or `version` for a report of another schema
 */
export function parseReport(source: { readonly text: string; readonly file: string }): RunReport {
  const refuse = `Cannot read "${source.file}" as a report`;
  let value: unknown;
  try {
    value = JSON.parse(source.text);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new KgetError('corrupt', `${refuse}: it is not JSON: ${found}`, { cause });
  }
  const named = schemaName.safeParse(value);
  if (!named.success) {
    throw new KgetError('corrupt', `${refuse}: no field "schema" found, wanted "${SCHEMA}"`);
  }
  if (named.data.schema !== SCHEMA) {
    const found = JSON.stringify(named.data.schema);
    const advice = 'use the version of kgetplus that wrote it';
    throw new KgetError(
      'version',
      `${refuse}: schema ${found} found, wanted "${SCHEMA}": ${advice}`,
    );
  }
  const parsed = runReport.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new KgetError('corrupt', `${refuse}: ${describe(parsed.error.issues)}`, {
    cause: parsed.error,
  });
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
