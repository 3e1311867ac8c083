import { compareDigests, RECORD_BYTES } from './table-record.ts';
import { BATCH_RECORDS } from './table-merge.ts';

/** Records that are sorted at a time, at most: 8 B of memory for each. */
export const MAX_SORTED_RECORDS = 2 ** 20;

/**
 * A sort key is a number of 53 bits, for which sorting is native: a digest's first 32 bits, then
 * the number of the record.
 */
const INDEX_RANGE = 2 ** 21;

interface RecordPlace {
  readonly piece: Buffer;
  readonly at: number;
}

/**
 * The packed records of all pieces, ascending by digest and each digest once, in batches that the
 * caller may keep; at most `MAX_SORTED_RECORDS`. Of several records of a digest any one is taken.
 */
export function* sortedRecords(pieces: readonly Buffer[]): Generator<Buffer, void, void> {
  const placeOf = placesOf(pieces);
  const order = orderOf(pieces, placeOf);
  let batch = Buffer.allocUnsafe(Math.min(order.length, BATCH_RECORDS) * RECORD_BYTES);
  let end = 0;
  let last: RecordPlace | undefined;
  for (const key of order) {
    const place = placeOf(key % INDEX_RANGE);
    if (last !== undefined && compareDigests(last.piece, last.at, place.piece, place.at) === 0) {
      continue;
    }
    if (end === batch.length) {
      yield batch;
      batch = Buffer.allocUnsafe(batch.length);
      end = 0;
    }
    place.piece.copy(batch, end, place.at, place.at + RECORD_BYTES);
    end += RECORD_BYTES;
    last = place;
  }
  if (end > 0) yield batch.subarray(0, end);
}

/** Where the record of a number is, counted through all pieces. */
function placesOf(pieces: readonly Buffer[]): (index: number) => RecordPlace {
  const firsts: number[] = [];
  let count = 0;
  for (const piece of pieces) {
    firsts.push(count);
    count += piece.length / RECORD_BYTES;
  }
  return (index) => {
    let low = 0;
    let high = firsts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((firsts[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    const piece = pieces[low] ?? Buffer.alloc(0);
    return { piece, at: (index - (firsts[low] ?? 0)) * RECORD_BYTES };
  };
}

/** The sort keys of all records, in order. */
function orderOf(pieces: readonly Buffer[], placeOf: (index: number) => RecordPlace): Float64Array {
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const keys = new Float64Array(bytes / RECORD_BYTES);
  let index = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += RECORD_BYTES) {
      keys[index] = piece.readUInt32BE(at) * INDEX_RANGE + index;
      index += 1;
    }
  }
  keys.sort();
  // Among digests with the same first bits, keys know no order.
  for (let start = 0; start < keys.length;) {
    const first = Math.floor((keys[start] ?? 0) / INDEX_RANGE);
    let end = start + 1;
    while (end < keys.length && Math.floor((keys[end] ?? 0) / INDEX_RANGE) === first) end += 1;
    if (end - start > 1) {
      keys.subarray(start, end).sort((a, b) => {
        const x = placeOf(a % INDEX_RANGE);
        const y = placeOf(b % INDEX_RANGE);
        return compareDigests(x.piece, x.at, y.piece, y.at);
      });
    }
    start = end;
  }
  return keys;
}
