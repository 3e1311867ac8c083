import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import {
  blobEntriesDefect,
  type ChunkBytes,
  covers,
  decodeBlobHead,
  type EntryRun,
  type IndexedChunk,
  lowest,
  positionIn,
  toChunks,
} from './blob-index-format.ts';
import type { DigestAlgorithm } from './digest-algorithm.ts';
import { readFully } from './file-bytes.ts';
import { readDigests } from './index-entries.ts';
import {
  decodeEnd,
  ENTRY_BYTES,
  entryOffset,
  HEADER_BYTES,
  TABLE_HEADER_BYTES,
  TAIL_BYTES,
  tailDefect,
} from './index-format.ts';
import { pause } from './pause.ts';

export type { IndexedChunk } from './blob-index-format.ts';

const HEAD_BYTES = HEADER_BYTES + TABLE_HEADER_BYTES;

/** Entries that are checked at a time: 160 KiB. */
const CHECKED_ENTRIES = 4096;

/** Entries that `find` keeps at hand: 10 KiB, 16 MiB of an image with casync's own chunks. */
const PAGE_ENTRIES = 256;

/**
 * An index of one file (`.caibx`) on disk, as we, casync or desync make it; never held in memory
 * whole. `read` and `find` throw KgetError `corrupt` if they find that it was changed since.
 */
export interface BlobIndex {
  readonly sizeBytes: number;
  readonly chunkCount: number;
  readonly algorithm: DigestAlgorithm;
  readonly chunkBytes: ChunkBytes;
  /** Whether all chunks have one size, except for a last one that may be shorter. */
  readonly isFixed: boolean;
  /** `count` chunks from the one at position `first` on. The caller bounds `count`. */
  read(first: number, count: number): readonly IndexedChunk[];
  /** The digests of `count` chunks from `first`, packed. */
  digests(first: number, count: number): Buffer;
  /** The position of the chunk that has the byte at `offset`, which is below `sizeBytes`. */
  find(offset: number): number;
  /** Closes the file. Idempotent. */
  close(): void;
}

/**
 * Opens the index of one file and checks all of it but the digests, in bounded memory.
 * @throws KgetError `source-unreadable` if it cannot be opened, `corrupt` if anything is wrong
 */
export async function openBlobIndex(path: string): Promise<BlobIndex> {
  const fd = openForReading(path);
  try {
    return blobIndex({ path, fd, ...(await check(fd)) });
  } catch (error) {
    closeSync(fd);
    throw inWordsOf(path, error);
  }
}

/** Thrown below with the end of the sentence that the caller gets. */
class Defective extends Error {}

interface Checked {
  readonly sizeBytes: number;
  readonly chunkCount: number;
  readonly algorithm: DigestAlgorithm;
  readonly chunkBytes: ChunkBytes;
}

async function check(fd: number): Promise<Checked> {
  const chunkCount = countEntries(fd);
  const head = decodeBlobHead(readPiece(fd, 0, HEAD_BYTES));
  if ('defect' in head) throw new Defective(head.defect);
  refuse(tailDefect(readPiece(fd, entryOffset(chunkCount), TAIL_BYTES), chunkCount));
  let sizeBytes = 0;
  for (let first = 0; first < chunkCount; first += CHECKED_ENTRIES) {
    const count = Math.min(CHECKED_ENTRIES, chunkCount - first);
    const entries = readPiece(fd, entryOffset(first), count * ENTRY_BYTES);
    refuse(blobEntriesDefect({ entries, first, start: sizeBytes }, chunkCount, head.chunkBytes));
    sizeBytes = decodeEnd(entries, entries.length - ENTRY_BYTES);
    await pause();
  }
  return { sizeBytes, chunkCount, ...head };
}

function blobIndex(opened: Checked & { readonly path: string; readonly fd: number }): BlobIndex {
  const { path, fd, sizeBytes, chunkCount, algorithm, chunkBytes } = opened;
  const isFixed = chunkBytes.min === chunkBytes.max;
  let page: EntryRun | undefined;
  let open = true;

  function load(first: number, count: number): EntryRun {
    try {
      const run = readRun(fd, first, count);
      refuse(blobEntriesDefect(run, chunkCount, chunkBytes));
      return run;
    } catch (error) {
      throw inWordsOf(path, error);
    }
  }

  function assertKnown(first: number, count: number): void {
    const isKnown = first >= 0 && count >= 0 && first + count <= chunkCount;
    assert(open && isKnown, `chunks ${first} to ${first + count} are not known`);
  }

  return {
    sizeBytes,
    chunkCount,
    algorithm,
    chunkBytes,
    isFixed,
    read(first, count) {
      assertKnown(first, count);
      return count === 0 ? [] : toChunks(load(first, count), algorithm);
    },
    digests(first, count) {
      assertKnown(first, count);
      const digests = readDigests(fd, first, count);
      if (digests !== undefined) return digests;
      throw inWordsOf(path, new Defective('found it cut short while it was in use'));
    },
    find(offset) {
      assert(open && offset >= 0 && offset < sizeBytes, `byte ${offset} is beyond the image`);
      if (isFixed) return Math.floor(offset / chunkBytes.max);
      if (page === undefined || !covers(page, offset)) {
        const first = pageOf(fd, offset, chunkCount) * PAGE_ENTRIES;
        page = load(first, Math.min(PAGE_ENTRIES, chunkCount - first));
      }
      if (covers(page, offset)) return positionIn(page, offset);
      throw inWordsOf(path, new Defective(`found no chunk with byte ${offset} any more`));
    },
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

/** The page that has the byte at `offset`: the first one that ends behind it. */
function pageOf(fd: number, offset: number, chunkCount: number): number {
  return lowest(Math.ceil(chunkCount / PAGE_ENTRIES) - 1, (page) => {
    const last = Math.min((page + 1) * PAGE_ENTRIES, chunkCount) - 1;
    return endAt(fd, last) > offset;
  });
}

/** `count` entries from `first`, at least one, and where the first chunk begins. */
function readRun(fd: number, first: number, count: number): EntryRun {
  const start = first === 0 ? 0 : endAt(fd, first - 1);
  return { first, start, entries: readPiece(fd, entryOffset(first), count * ENTRY_BYTES) };
}

/** Where the chunk at `position` ends in the image. */
function endAt(fd: number, position: number): number {
  return decodeEnd(readPiece(fd, entryOffset(position), 8), 0);
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

function inWordsOf(path: string, error: unknown): unknown {
  if (!(error instanceof Defective)) return error;
  return new KgetError('corrupt', `Cannot use index ${path}: ${error.message}`);
}
