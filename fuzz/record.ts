import { readFileSync, writeFileSync } from 'node:fs';
import { systemCode } from '../src/base/error.ts';
import type { ShareResult } from './crew.ts';

const SCHEMA = 'kgetplus.fuzz/1';

/** What came of one target. */
export interface TargetRecord {
  readonly target: string;
  readonly seed: number;
  /** The number of the first input. */
  readonly from: number;
  readonly inputs: number;
  /** How many inputs were taken, and refused with which code. */
  readonly outcomes: ShareResult['counts'];
  readonly findings: ShareResult['findings'];
  readonly seconds: number;
}

interface RecordFile {
  readonly schema: string;
  readonly date: string;
  /** Node.js. */
  readonly node: string;
  readonly targets: readonly TargetRecord[];
}

/** Puts a record into a JSON file, in the place of an older one of its target. */
export function keepRecord(file: string, record: TargetRecord): void {
  const others = recordsOf(file).filter(({ target }) => target !== record.target);
  const contents: RecordFile = {
    schema: SCHEMA,
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    targets: [...others, record],
  };
  writeFileSync(file, `${JSON.stringify(contents, undefined, 2)}\n`);
}

function recordsOf(file: string): readonly TargetRecord[] {
  try {
    const contents = JSON.parse(readFileSync(file, 'utf8')) as RecordFile;
    if (contents.schema === SCHEMA) return contents.targets;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
  throw new Error(`${file} is not a record of ours: wanted the schema ${SCHEMA}`);
}
