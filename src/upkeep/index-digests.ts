import { constants, fstatSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { KgetError, systemCode, toFailure } from '../base/error.ts';
import { readFully } from '../content/file-bytes.ts';
import {
  decodeEnd,
  type Defect,
  differs,
  ENTRY_BYTES,
  entryOffset,
  HEADER_BYTES,
  INDEX_TYPE,
  TABLE_TYPE,
  TAIL_BYTES,
  tailDefect,
  toWords,
} from '../content/index-format.ts';
import { pause } from '../content/pause.ts';
import type { IndexFile } from './index-files.ts';

/** Entries that are read at a time: 320 KiB. */
const READ_ENTRIES = 8192;

const HEAD_BYTES = entryOffset(0);
const DIGEST_AT = 8;

/**
 * The digests of all chunks that an index names, in views of 32 B that hold until the next one is
 * asked for. Whoever only wants to know what is needed takes more than a reader of images:
 * archives, chunks of any size, and of part files the whole entries. A file that is gone has none.
 * @throws KgetError `source-unreadable`, `corrupt`
 */
export async function* digestsOf(file: IndexFile): AsyncGenerator<readonly Buffer[], void, void> {
  let handle: FileHandle;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    handle = await open(file.path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw unreadable(file, error);
  }
  try {
    const count = file.isPart ? partEntries(handle.fd) : checkedEntries(handle.fd, file);
    let end = 0;
    for (let first = 0; first < count; first += READ_ENTRIES) {
      const entries = Buffer.allocUnsafe(Math.min(READ_ENTRIES, count - first) * ENTRY_BYTES);
      const range = { offset: entryOffset(first), length: entries.length };
      if (readFully(handle.fd, entries, range) < entries.length && !file.isPart) {
        throw corrupt(file, 'it became shorter while it was read');
      }
      if (!file.isPart) end = checkAscending(entries, end, file);
      yield digestsIn(entries);
      await pause();
    }
  } catch (error) {
    throw error instanceof KgetError ? error : unreadable(file, error);
  } finally {
    await handle.close();
  }
}

function digestsIn(entries: Buffer): Buffer[] {
  return Array.from({ length: entries.length / ENTRY_BYTES }, (_, entry) =>
    entries.subarray(entry * ENTRY_BYTES + DIGEST_AT, (entry + 1) * ENTRY_BYTES),
  );
}

function partEntries(fd: number): number {
  return Math.max(0, Math.floor((fstatSync(fd).size - HEAD_BYTES) / ENTRY_BYTES));
}

function checkedEntries(fd: number, file: IndexFile): number {
  const stat = fstatSync(fd);
  const count = (stat.size - HEAD_BYTES - TAIL_BYTES) / ENTRY_BYTES;
  if (!stat.isFile() || !Number.isSafeInteger(count) || count < 0) {
    throw corrupt(file, `found ${stat.size} B, wanted 104 B and 40 B for every chunk`);
  }
  const head = Buffer.alloc(HEAD_BYTES);
  const tail = Buffer.alloc(TAIL_BYTES);
  readFully(fd, head, { offset: 0, length: HEAD_BYTES });
  readFully(fd, tail, { offset: entryOffset(count), length: TAIL_BYTES });
  const words = toWords(head);
  const defect: Defect =
    differs('header size', words[0], BigInt(HEADER_BYTES)) ??
    differs('header type', words[1], INDEX_TYPE) ??
    differs('table type', words[7], TABLE_TYPE) ??
    tailDefect(tail, count);
  if (defect !== undefined) throw corrupt(file, defect);
  return count;
}

function checkAscending(entries: Buffer, start: number, file: IndexFile): number {
  let last = start;
  for (let at = 0; at < entries.length; at += ENTRY_BYTES) {
    const end = decodeEnd(entries, at);
    if (!(end > last)) throw corrupt(file, `found a chunk from byte ${last} to byte ${end}`);
    last = end;
  }
  return last;
}

function corrupt({ path }: IndexFile, found: string): KgetError {
  return new KgetError('corrupt', `Cannot use index ${path}: ${found}`);
}

function unreadable({ path }: IndexFile, cause: unknown): KgetError {
  const found = toFailure(cause).message;
  return new KgetError('source-unreadable', `Cannot read index ${path}: ${found}`, { cause });
}
