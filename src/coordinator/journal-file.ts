import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { KgetError, systemCode } from '../base/error.ts';
import { RUN_JOURNAL, type JournalKind } from './journal-kind.ts';
import { headerLine, journalLine, parseRecords, type JournalContents } from './journal-lines.ts';
import type { Journal } from './journal.ts';
import { syncNames } from './sync-names.ts';

/** As `readRecords`, of a run. */
export function readJournal(path: string): JournalContents {
  return readRecords(path, RUN_JOURNAL);
}

/** As `openRecords`, of a run. */
export function openJournal(path: string, keepBytes: number): Journal {
  return openRecords({ path, keepBytes }, RUN_JOURNAL);
}

/**
 * Reads a journal file; a torn last line (a crash while writing) is not part of it. One that is not
 * there is empty.
 * @throws KgetError `corrupt` if good records follow damage, `version` for records of a later Kget+
 */
export function readRecords<R>(path: string, kind: JournalKind<R>): JournalContents<R> {
  return parseRecords({ path, bytes: bytesOf(path) }, kind);
}

/** Where records go: see `Journal`. */
export interface RecordFile<R> {
  append(record: R): void;
  close(): void;
}

/**
 * Opens a journal to append to its first `keepBytes` bytes; what follows them is cut off. File, name
 * and cut are durable when it returns. What a failed write has left is cut off as well; after one that
 * cannot be undone, or that the disk did not confirm, nothing more is appended.
 * @throws KgetError `no-room`, `target-unwritable`
 */
export function openRecords<R>(
  { path, keepBytes }: { readonly path: string; readonly keepBytes: number },
  kind: JournalKind<R>,
): RecordFile<R> {
  const file = { path, title: kind.title };
  let goodBytes = keepBytes;
  let syncedBytes = keepBytes;
  let refusal: KgetError | undefined;
  const fd = attempt(file, () => openSync(path, 'a+', 0o600));

  function write(line: string): void {
    const bytes = Buffer.from(line);
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
    } catch (error) {
      cutBack();
      throw error;
    }
    goodBytes += bytes.length;
  }

  function cutBack(): void {
    try {
      ftruncateSync(fd, goodBytes);
      fsyncSync(fd);
    } catch (error) {
      refusal = journalFailure(file, error);
    }
  }

  function sync(): void {
    try {
      fdatasyncSync(fd);
      syncedBytes = goodBytes;
    } catch (error) {
      // Once this failed, a later success says nothing about what was written before.
      refusal = journalFailure(file, error);
      goodBytes = syncedBytes;
      cutBack();
      throw error;
    }
  }

  try {
    attempt(file, () => {
      ftruncateSync(fd, keepBytes);
      fsyncSync(fd);
      if (keepBytes === 0 || !hasChecksums(fd)) write(headerLine(kind.format));
      sync();
      syncNames(dirname(path));
      syncNames(dirname(dirname(path)));
    });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    append(record) {
      if (refusal !== undefined) throw refusal;
      const isSynced = !kind.isUnsynced(record);
      attempt(file, () => {
        // A reader takes damage before a record that is synced for what it is: see journal-lines.ts.
        if (isSynced && syncedBytes < goodBytes) sync();
        write(journalLine(record));
        if (isSynced) sync();
      });
    },
    close() {
      closeSync(fd);
    },
  };
}

/** Whether the first line is not one of version 1. */
function hasChecksums(fd: number): boolean {
  const first = Buffer.alloc(1);
  readSync(fd, first, 0, 1, 0);
  return first.toString() !== '{';
}

interface NamedFile {
  readonly path: string;
  readonly title: string;
}

/** @throws KgetError `no-room`, `target-unwritable` for an error of the system */
function attempt<T>(file: NamedFile, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw journalFailure(file, error);
  }
}

function journalFailure({ path, title }: NamedFile, error: unknown): KgetError {
  const isFull = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
  const found = error instanceof Error ? error.message : String(error);
  return new KgetError(
    isFull ? 'no-room' : 'target-unwritable',
    `Cannot write ${title} ${path}: ${found}; what was not noted there does not count`,
    { cause: error },
  );
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
