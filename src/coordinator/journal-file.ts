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
import { UNSYNCED, type Journal } from './journal.ts';
import { headerLine, journalLine, parseJournal, type JournalContents } from './journal-lines.ts';
import { syncNames } from './sync-names.ts';

/**
 * Reads a journal file; a torn last line (a crash while writing) is not part of it. One that is not
 * there is empty.
 * @throws KgetError `corrupt` if good records follow damage, `version` for records of a later Kget+
 */
export function readJournal(path: string): JournalContents {
  return parseJournal({ path, bytes: bytesOf(path) });
}

/**
 * Opens a journal to append to its first `keepBytes` bytes; what follows them is cut off. File, name
 * and cut are durable when it returns. What a failed write has left is cut off as well; after one that
 * cannot be undone, or that the disk did not confirm, nothing more is appended.
 * @throws KgetError `no-room`, `target-unwritable`
 */
export function openJournal(path: string, keepBytes: number): Journal {
  let goodBytes = keepBytes;
  let syncedBytes = keepBytes;
  let refusal: KgetError | undefined;
  const fd = attempt(path, () => openSync(path, 'a+', 0o600));

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
      refusal = journalFailure(path, error);
    }
  }

  function sync(): void {
    try {
      fdatasyncSync(fd);
      syncedBytes = goodBytes;
    } catch (error) {
      // Once this failed, a later success says nothing about what was written before.
      refusal = journalFailure(path, error);
      goodBytes = syncedBytes;
      cutBack();
      throw error;
    }
  }

  try {
    attempt(path, () => {
      ftruncateSync(fd, keepBytes);
      fsyncSync(fd);
      if (keepBytes === 0 || !hasChecksums(fd)) write(headerLine());
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
      const isSynced = !UNSYNCED.has(record.type);
      attempt(path, () => {
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

/** @throws KgetError `no-room`, `target-unwritable` for an error of the system */
function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw journalFailure(path, error);
  }
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

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
