import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import { readFully } from './file-bytes.ts';
import type { ImageIndex, ImageShape } from './image.ts';
import { readDigests } from './index-entries.ts';
import {
  decodeEnd,
  decodeHead,
  ENTRY_BYTES,
  entriesDefect,
  entryOffset,
  HEADER_BYTES,
  sizeDefect,
  TABLE_HEADER_BYTES,
  TAIL_BYTES,
  tailDefect,
} from './index-format.ts';
import { pause } from './pause.ts';

const HEAD_BYTES = HEADER_BYTES + TABLE_HEADER_BYTES;

/** Entries that are checked at a time: 160 KiB. */
const CHECKED_ENTRIES = 4096;

/**
 * A finished index on disk. `read` throws KgetError `corrupt` if the file has been cut short since.
 */
export interface StoredIndex extends ImageIndex {
  readonly shape: ImageShape;
  /** Closes the file. Idempotent. */
  close(): void;
}

/**
 * Opens an index file (`.caibx`) with fixed chunks and checks all of it but the digests, in bounded
 * memory. @throws KgetError `source-unreadable` if it cannot be opened, `corrupt` if anything is
 * wrong
 */
export async function openIndex(path: string): Promise<StoredIndex> {
  const fd = openForReading(path);
  try {
    return storedIndex({ path, fd, ...(await check(fd)) });
  } catch (error) {
    closeSync(fd);
    throw error instanceof Defective ? corrupt(path, error.message) : error;
  }
}

/** Thrown by the checks below with the end of the sentence that `openIndex` throws. */
class Defective extends Error {}

interface Checked {
  readonly shape: ImageShape;
  readonly chunkCount: number;
}

async function check(fd: number): Promise<Checked> {
  const chunkCount = countEntries(fd);
  const head = decodeHead(readPiece(fd, 0, HEAD_BYTES));
  if ('defect' in head) throw new Defective(head.defect);
  refuse(tailDefect(readPiece(fd, entryOffset(chunkCount), TAIL_BYTES), chunkCount));
  const sizeBytes =
    chunkCount === 0 ? 0 : decodeEnd(readPiece(fd, entryOffset(chunkCount - 1), ENTRY_BYTES), 0);
  const shape = { sizeBytes, chunkSizeBytes: head.chunkSizeBytes };
  refuse(sizeDefect(shape, chunkCount));
  for (let first = 0; first < chunkCount; first += CHECKED_ENTRIES) {
    const count = Math.min(CHECKED_ENTRIES, chunkCount - first);
    refuse(entriesDefect(readPiece(fd, entryOffset(first), count * ENTRY_BYTES), first, shape));
    await pause();
  }
  return { shape, chunkCount };
}

function storedIndex(
  opened: Checked & { readonly path: string; readonly fd: number },
): StoredIndex {
  const { path, fd, shape, chunkCount } = opened;
  let open = true;
  return {
    shape,
    chunkCount,
    known: () => chunkCount,
    read(first, count) {
      assert(open && first >= 0 && first + count <= chunkCount, `chunk ${first} is not known`);
      const digests = readDigests(fd, first, count);
      if (digests === undefined) throw corrupt(path, 'found it cut short while it was in use');
      return digests;
    },
    async waitFor(position) {
      assert(position < chunkCount, `chunk ${position} is beyond the image`);
    },
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

function openForReading(path: string): number {
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new KgetError('source-unreadable', `Cannot open index ${path}: ${found}`, {
      cause: error,
    });
  }
}

function countEntries(fd: number): number {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw new Defective('found something else than a regular file');
  const count = (stat.size - HEAD_BYTES - TAIL_BYTES) / ENTRY_BYTES;
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new Defective(`found ${stat.size} B, wanted 104 B and 40 B for every chunk`);
}

function readPiece(fd: number, offset: number, length: number): Buffer {
  const piece = Buffer.allocUnsafe(length);
  const found = readFully(fd, piece, { offset, length });
  if (found < length) throw new Defective(`found its end at byte ${offset + found}`);
  return piece;
}

function refuse(defect: string | undefined): void {
  if (defect !== undefined) throw new Defective(defect);
}

function corrupt(path: string, defect: string): KgetError {
  return new KgetError('corrupt', `Cannot use index ${path}: ${defect}`);
}
