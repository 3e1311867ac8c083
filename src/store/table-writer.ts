import { closeSync, constants, openSync, renameSync, rmSync } from 'node:fs';
import { assert } from '../base/assert.ts';
import { syncData, syncDirectory } from '../content/durable.ts';
import { writeFully } from '../content/file-bytes.ts';
import { newSegmentPaths } from './table-directory.ts';
import {
  encodeHeader,
  encodeTail,
  fanOutBitsFor,
  MAX_FAN_OUT_BITS,
  MAX_SEGMENT_RECORDS,
  recordOffset,
} from './table-format.ts';
import { compareDigests, RECORD_BYTES } from './table-record.ts';

/** Writes one segment, from the least digest to the greatest. Its errors are the system's. */
export interface SegmentWriter {
  /** Appends packed records: ascending, none twice, also from call to call. */
  append(records: Buffer): void;
  /** Makes the segment durable and part of the table; one without records comes to nothing. */
  finish(): Promise<void>;
  /** Gives up what is not finished. Idempotent. */
  abandon(): void;
}

/** Begins a segment in `directory`, which must be there. */
export function createSegmentWriter(directory: string): SegmentWriter {
  const { path, unfinished } = newSegmentPaths(directory);
  const { O_WRONLY, O_CREAT, O_EXCL } = constants;
  const fd = openSync(unfinished, O_WRONLY | O_CREAT | O_EXCL, 0o666);
  /** Records by their first 16 bits. */
  const buckets = new Uint32Array(2 ** MAX_FAN_OUT_BITS);
  const last = Buffer.alloc(RECORD_BYTES);
  let count = 0;
  let open = true;

  function abandon(): void {
    if (!open) return;
    open = false;
    closeSync(fd);
    rmSync(unfinished, { force: true });
  }
  return {
    append(records) {
      if (records.length === 0) return;
      const added = records.length / RECORD_BYTES;
      assert(Number.isInteger(added), 'a record is cut short');
      assert(count + added <= MAX_SEGMENT_RECORDS, `a segment of ${count + added} records`);
      assert(count === 0 || compareDigests(last, 0, records, 0) < 0, 'records do not ascend');
      for (let at = 0; at < records.length; at += RECORD_BYTES) {
        assert(
          at === 0 || compareDigests(records, at - RECORD_BYTES, records, at) < 0,
          'records do not ascend',
        );
        const bucket = records.readUInt16BE(at);
        buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      }
      writeFully(fd, records, recordOffset(count));
      records.copy(last, 0, records.length - RECORD_BYTES);
      count += added;
    },
    async finish() {
      if (count === 0) {
        abandon();
        return;
      }
      const fanOutBits = fanOutBitsFor(count);
      const header = encodeHeader({ count, fanOutBits });
      writeFully(fd, encodeTail(header, fanOutOf(buckets, fanOutBits)), recordOffset(count));
      writeFully(fd, header, 0);
      await syncData(fd);
      renameSync(unfinished, path);
      open = false;
      closeSync(fd);
      await syncDirectory(directory);
    },
    abandon,
  };
}

/** The cumulative counts of wider buckets. */
function fanOutOf(buckets: Uint32Array, bits: number): Uint32Array {
  const fanOut = new Uint32Array(2 ** bits);
  let sum = 0;
  for (const [bucket, count] of buckets.entries()) {
    sum += count;
    fanOut[bucket >>> (MAX_FAN_OUT_BITS - bits)] = sum;
  }
  return fanOut;
}
