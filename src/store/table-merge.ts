import { compareDigests, leadingBits, RECORD_BYTES } from './table-record.ts';
import type { TableSegment } from './table-segment.ts';

/** Records of one segment that are held while it is merged: 72 KiB. */
const HELD_RECORDS = 2048;

/** Records that are handed out at a time, at most: 288 KiB. */
export const BATCH_RECORDS = 8192;

/** Tells of a segment that could not be read to its end. */
export type OnUnreadable = (segment: TableSegment, error: unknown) => void;

/**
 * All records of the segments, ascending by digest and each digest once, packed, in batches that
 * the caller may keep. What `onUnreadable` is told of ends early. Of several records of a digest
 * any one is taken.
 */
export function* mergedRecords(
  segments: readonly TableSegment[],
  onUnreadable: OnUnreadable,
): Generator<Buffer, void, void> {
  const cursors = segments.map((segment) => createCursor(segment, onUnreadable));
  let live = cursors.filter((cursor) => cursor.advance());
  let batch = Buffer.allocUnsafe(BATCH_RECORDS * RECORD_BYTES);
  let end = 0;
  for (let least = leastOf(live); least !== undefined; least = leastOf(live)) {
    least.held.copy(batch, end, least.at, least.at + RECORD_BYTES);
    end += RECORD_BYTES;
    live = passOver(live, batch, end - RECORD_BYTES);
    if (end === batch.length) {
      yield batch;
      batch = Buffer.allocUnsafe(BATCH_RECORDS * RECORD_BYTES);
      end = 0;
    }
  }
  if (end > 0) yield batch.subarray(0, end);
}

/** A place in one segment; the record there is `held` at `at`, and `key` its leading bits. */
interface Cursor {
  readonly held: Buffer;
  readonly at: number;
  /** Infinite at the end. */
  readonly key: number;
  /** Goes to the next record, at first to the first one; false if there is none. */
  advance(): boolean;
}

function createCursor(segment: TableSegment, onUnreadable: OnUnreadable): Cursor {
  const room = Buffer.allocUnsafe(Math.min(HELD_RECORDS, segment.count) * RECORD_BYTES);
  let next = 0;
  let endBytes = 0;

  /** Holds the next records; false if there are none. */
  function refill(): boolean {
    const records = Math.min(HELD_RECORDS, segment.count - next);
    if (records === 0) return false;
    try {
      segment.read(next, room.subarray(0, records * RECORD_BYTES));
    } catch (error) {
      onUnreadable(segment, error);
      return false;
    }
    next += records;
    endBytes = records * RECORD_BYTES;
    return true;
  }
  const cursor = {
    held: room,
    at: -RECORD_BYTES,
    key: 0,
    advance() {
      cursor.at += RECORD_BYTES;
      if (cursor.at >= endBytes) {
        if (!refill()) {
          cursor.key = Infinity;
          return false;
        }
        cursor.at = 0;
      }
      cursor.key = leadingBits(room, cursor.at);
      return true;
    },
  };
  return cursor;
}

function leastOf(cursors: readonly Cursor[]): Cursor | undefined {
  let least = cursors[0];
  for (const cursor of cursors) {
    if (least === undefined || cursor.key > least.key || cursor === least) continue;
    if (
      cursor.key < least.key ||
      compareDigests(cursor.held, cursor.at, least.held, least.at) < 0
    ) {
      least = cursor;
    }
  }
  return least;
}

/**
 * Leads all cursors beyond the record at `at`; returns those that are not at their end. A record
 * that is less, which only a damaged segment has behind a greater one, is passed over too.
 */
function passOver(cursors: Cursor[], record: Buffer, at: number): Cursor[] {
  const key = leadingBits(record, at);
  let ended = false;
  for (const cursor of cursors) {
    while (cursor.key <= key && compareDigests(cursor.held, cursor.at, record, at) <= 0) {
      if (!cursor.advance()) ended = true;
    }
  }
  return ended ? cursors.filter((cursor) => cursor.key !== Infinity) : cursors;
}
