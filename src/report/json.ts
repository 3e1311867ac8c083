import { assert } from '../base/assert.ts';
import { parseDocument, type DocumentSource } from '../base/parse-document.ts';
import type { RunReport } from './record.ts';
import { runReport, SCHEMA } from './schema.ts';

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
 * The report in the text of a JSON file of any origin. Fields that are not known are left out.
 * @throws KgetError `corrupt`, or `version` for a report of another schema
 */
export function parseReport(source: DocumentSource): RunReport {
  return parseDocument(source, { title: 'report', schema: SCHEMA, fields: runReport });
}
