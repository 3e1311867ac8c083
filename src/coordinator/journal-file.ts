import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { KgetError, systemCode } from '../base/error.ts';
import { journalRecord, type Journal, type JournalRecord } from './journal.ts';

/**
 * The good part of a journal file: its records, and the length in bytes of the lines they stand in.
 */
export interface JournalContents {
  readonly records: readonly JournalRecord[];
  readonly goodBytes: number;
}

/** Reads a journal file; a torn last line (a crash while writing) is not part of it. */
export function readJournal(path: string): JournalContents {
  const records: JournalRecord[] = [];
  let goodBytes = 0;
  for (const line of textOf(path).split('\n').slice(0, -1)) {
    const record = parseRecord(line);
    if (record === undefined) break;
    records.push(record);
    goodBytes += Buffer.byteLength(line) + 1;
  }
  return { records, goodBytes };
}

/** Opens a journal to append to its first `keepBytes` bytes; what follows them is cut off. */
export function openJournal(path: string, keepBytes: number): Journal {
  const fd = openSync(path, 'a', 0o600);
  ftruncateSync(fd, keepBytes);
  return {
    append(record) {
      try {
        writeSync(fd, `${JSON.stringify(record)}\n`);
        // What an image is called matters only with what is said of it later, which syncs both.
        if (record.type !== 'image') fdatasyncSync(fd);
      } catch (error) {
        throw journalFailure(path, error);
      }
    },
    close() {
      closeSync(fd);
    },
  };
}

function journalFailure(path: string, error: unknown): KgetError {
  const isFull = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
  const found = error instanceof Error ? error.message : String(error);
  return new KgetError(
    isFull ? 'no-room' : 'target-unwritable',
    `Cannot write the run's journal ${path}: ${found}; what was not noted there does not count`,
    { cause: error },
  );
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  }
}

function parseRecord(line: string): JournalRecord | undefined {
  try {
    return journalRecord.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
