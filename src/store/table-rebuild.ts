import { rmSync } from 'node:fs';
import { KgetError } from '../base/error.ts';
import { makeDirectory } from '../content/durable.ts';
import { DIGEST_BYTES } from '../content/image.ts';
import { pause } from '../content/pause.ts';
import { storeFailure } from '../content/room.ts';
import { openChunkTable } from './chunk-table.ts';
import { lockTable, removeLeftovers, segmentPaths } from './table-directory.ts';
import { RECORD_BYTES } from './table-record.ts';
import { sortedRecords } from './table-sort.ts';
import { listPrefixes, readPrefix } from './table-tree.ts';
import { createSegmentWriter } from './table-writer.ts';

/** Directories that are read between two pauses. */
const UNPAUSED_PREFIXES = 32;

/** What a store has. */
export interface StoreTotals {
  readonly chunks: number;
  /** Bytes of all chunks' files. */
  readonly packedBytes: number;
}

export interface RebuildProgress extends StoreTotals {
  readonly prefixesDone: number;
  /** Directories of chunks that there are. */
  readonly prefixes: number;
}

export interface RebuildOptions {
  /** The tree of chunks. */
  readonly root: string;
  /** The table; it is made if it is missing. */
  readonly directory: string;
  readonly signal?: AbortSignal;
  /** Called after every directory of chunks. */
  readonly onProgress?: (progress: RebuildProgress) => void;
}

/**
 * Replaces the table by what the tree holds, in memory for one directory of chunks. Sizes come from
 * the old table, and from the files where it does not know them. What is added to the table
 * meanwhile stays in it. Until this resolves, the old table is as it was.
 * @throws KgetError `locked` if others merge or rebuild the table, `cancelled` by the signal,
 * `source-unreadable`, `no-room`, `target-unwritable`
 */
export async function rebuildTable(options: RebuildOptions): Promise<StoreTotals> {
  const { directory } = options;
  try {
    await makeDirectory(directory);
    const unlock = lockTable(directory);
    try {
      removeLeftovers(directory);
      // First: what is added from now on may be of chunks that the walk has passed already.
      const old = segmentPaths(directory);
      const totals = await writeTree(options);
      for (const path of old) rmSync(path, { force: true, recursive: true });
      return totals;
    } finally {
      unlock();
    }
  } catch (error) {
    throw storeFailure(error, { title: 'the chunk table', directory, neededBytes: 0 });
  }
}

/** Writes all chunks of the tree into one new segment. */
async function writeTree(options: RebuildOptions): Promise<StoreTotals> {
  const { root, directory, signal, onProgress } = options;
  const prefixes = listPrefixes(root);
  const known = await openChunkTable(directory);
  const writer = createSegmentWriter(directory);
  let chunks = 0;
  let packedBytes = 0;
  try {
    for (const [done, prefix] of prefixes.entries()) {
      if (signal?.aborted === true) throw cancelled(directory);
      if (done % UNPAUSED_PREFIXES === 0) await pause();
      const found = readPrefix(root, prefix, (digest) => known.find(digest)?.packedBytes);
      for (const batch of sortedRecords([found])) {
        writer.append(batch);
        chunks += batch.length / RECORD_BYTES;
        packedBytes += sizesIn(batch);
      }
      onProgress?.({ prefixesDone: done + 1, prefixes: prefixes.length, chunks, packedBytes });
    }
    await writer.finish();
  } finally {
    writer.abandon();
    known.close();
  }
  return { chunks, packedBytes };
}

/** Bytes of the files of all chunks in a batch. */
function sizesIn(batch: Buffer): number {
  let sum = 0;
  for (let at = DIGEST_BYTES; at < batch.length; at += RECORD_BYTES) sum += batch.readUInt32LE(at);
  return sum;
}

function cancelled(directory: string): KgetError {
  return new KgetError(
    'cancelled',
    `Cannot rebuild the chunk table ${directory}: stopped on request; the old one is as it was`,
  );
}
