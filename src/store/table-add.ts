import { assert } from '../base/assert.ts';
import { makeDirectory } from '../content/durable.ts';
import { pause } from '../content/pause.ts';
import { storeFailure } from '../content/room.ts';
import { compactTable } from './table-compact.ts';
import { RECORD_BYTES } from './table-record.ts';
import { MAX_SORTED_RECORDS, sortedRecords } from './table-sort.ts';
import { createSegmentWriter } from './table-writer.ts';

/**
 * Adds packed records, in any order and possibly several of one digest, to the table in
 * `directory`, which is made if it is missing. They are durable when this resolves. Then segments
 * are merged, unless another process is at it. Many processes may add at once; tables that are open
 * do not change. An error while merging leaves the records in the table.
 * @throws KgetError `no-room`, `target-unwritable`
 */
export async function addToTable(directory: string, pieces: readonly Buffer[]): Promise<void> {
  const neededBytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  try {
    await makeDirectory(directory);
    for (const sortable of sortableParts(pieces)) await writeSegment(directory, sortable);
    await compactTable(directory);
  } catch (error) {
    throw storeFailure(error, { title: 'the chunk table', directory, neededBytes });
  }
}

async function writeSegment(directory: string, pieces: readonly Buffer[]): Promise<void> {
  const writer = createSegmentWriter(directory);
  try {
    for (const batch of sortedRecords(pieces)) {
      writer.append(batch);
      await pause();
    }
    await writer.finish();
  } finally {
    writer.abandon();
  }
}

/** Divides the pieces into groups that can be sorted. */
function* sortableParts(pieces: readonly Buffer[]): Generator<readonly Buffer[], void, void> {
  const maxBytes = MAX_SORTED_RECORDS * RECORD_BYTES;
  let part: Buffer[] = [];
  let partBytes = 0;
  for (const piece of pieces) {
    assert(piece.length % RECORD_BYTES === 0, `records of ${piece.length} B`);
    for (let at = 0; at < piece.length;) {
      const taken = piece.subarray(at, at + maxBytes - partBytes);
      part.push(taken);
      partBytes += taken.length;
      at += taken.length;
      if (partBytes < maxBytes) continue;
      yield part;
      part = [];
      partBytes = 0;
    }
  }
  if (partBytes > 0) yield part;
}
