/**
 * The layout of a segment of the chunk table; all numbers are little-endian.
 *
 *     header    magic "KGETCHNK", u32 version, u32 bits of the fan-out, u64 count, u64 zero
 *     records   `count` of them (table-record.ts), ascending by digest, none twice
 *     fan-out   2^bits u32: how many records have first bits up to this bucket's
 *     check     SHA-256 of header and fan-out
 *
 * What is only known when the last record was written comes last, but for the header: a segment is
 * written in one go, from records of which nobody knows the number. The records have no check: one
 * that is wrong makes the table ask or answer too much, and the store's files have the last word.
 */
import { digestOf } from '../content/digest.ts';
import { DIGEST_BYTES } from '../content/image.ts';
import { RECORD_BYTES } from './table-record.ts';

export const HEADER_BYTES = 32;

const MAGIC = 'KGETCHNK';
const VERSION = 1;

/** A bucket of the fan-out has about this many records: 9 KiB, two reads of a page at most. */
const BUCKET_RECORDS = 256;

/** 256 KiB of memory for each large segment. */
export const MAX_FAN_OUT_BITS = 16;

/** Counts in the fan-out are u32. */
export const MAX_SEGMENT_RECORDS = 2 ** 32 - 1;

export interface SegmentHeader {
  readonly count: number;
  readonly fanOutBits: number;
}

/** The end of a sentence on a segment that cannot be used. */
export interface Defect {
  readonly defect: string;
}

/** Bits of the fan-out of a segment: its buckets have 128 to 256 records, above 16 Mi more. */
export function fanOutBitsFor(count: number): number {
  const bits = Math.ceil(Math.log2(Math.max(count, 1) / BUCKET_RECORDS));
  return Math.min(Math.max(bits, 0), MAX_FAN_OUT_BITS);
}

/** Where the record at `position` begins in the file. */
export function recordOffset(position: number): number {
  return HEADER_BYTES + position * RECORD_BYTES;
}

/** Bytes of fan-out and check. */
export function tailBytes(fanOutBits: number): number {
  return 4 * 2 ** fanOutBits + DIGEST_BYTES;
}

export function encodeHeader({ count, fanOutBits }: SegmentHeader): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(fanOutBits, 12);
  header.writeBigUInt64LE(BigInt(count), 16);
  return header;
}

/** What the header of a file of `sizeBytes` tells, if that is the size it asks for. */
export function decodeHeader(header: Buffer, sizeBytes: number): SegmentHeader | Defect {
  if (header.length < HEADER_BYTES) return { defect: `found ${sizeBytes} B, wanted a header` };
  const magic = header.toString('latin1', 0, 8);
  const version = header.readUInt32LE(8);
  if (magic !== MAGIC || version !== VERSION) {
    return { defect: `found another format, wanted ${MAGIC} of version ${VERSION}` };
  }
  const fanOutBits = header.readUInt32LE(12);
  const count = Number(header.readBigUInt64LE(16));
  if (fanOutBits > MAX_FAN_OUT_BITS || count > MAX_SEGMENT_RECORDS) {
    return { defect: `found ${count} records and a fan-out of ${fanOutBits} bits, wanted fewer` };
  }
  const wantedBytes = recordOffset(count) + tailBytes(fanOutBits);
  if (sizeBytes === wantedBytes) return { count, fanOutBits };
  return { defect: `found ${sizeBytes} B, wanted ${wantedBytes} B for ${count} records` };
}

export function encodeTail(header: Buffer, fanOut: Uint32Array): Buffer {
  const bytes = Buffer.allocUnsafe(4 * fanOut.length);
  for (const [bucket, count] of fanOut.entries()) bytes.writeUInt32LE(count, 4 * bucket);
  return Buffer.concat([bytes, digestOf(Buffer.concat([header, bytes]))]);
}

/** The fan-out, if it and the header are what was written. */
export function decodeTail(
  header: Buffer,
  tail: Buffer,
): { readonly fanOut: Uint32Array } | Defect {
  const bytes = tail.subarray(0, Math.max(tail.length - DIGEST_BYTES, 0));
  if (!digestOf(Buffer.concat([header, bytes])).equals(tail.subarray(bytes.length))) {
    return { defect: 'found that header and fan-out do not match their check' };
  }
  const fanOut = new Uint32Array(bytes.length / 4);
  let least = 0;
  for (let bucket = 0; bucket < fanOut.length; bucket += 1) {
    const count = bytes.readUInt32LE(4 * bucket);
    if (count < least) return { defect: `found a fan-out that descends at bucket ${bucket}` };
    fanOut[bucket] = count;
    least = count;
  }
  const count = Number(header.readBigUInt64LE(16));
  if (least === count) return { fanOut };
  return { defect: `found a fan-out of ${least} records, wanted ${count}` };
}
