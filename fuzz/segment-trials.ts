import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { KgetError } from '../src/base/error.ts';
import { digestOf } from '../src/content/digest.ts';
import {
  encodeHeader,
  encodeTail,
  HEADER_BYTES,
  MAX_FAN_OUT_BITS,
  recordOffset,
  tailBytes,
} from '../src/store/table-format.ts';
import { RECORD_BYTES } from '../src/store/table-record.ts';
import { openSegment, type TableSegment } from '../src/store/table-segment.ts';
import type { Dice } from './dice.ts';
import { mutateBytes } from './mutate-bytes.ts';
import type { Trial } from './target.ts';

const FINDS = 8;

/** Segments of the chunk table with one record, and with more than a page in a bucket. */
export function segmentSamples(): Buffer[] {
  return [encodeSegment(1, 0), encodeSegment(300, 0), encodeSegment(600, 2)];
}

function encodeSegment(count: number, fanOutBits: number): Buffer {
  const digests = Array.from({ length: count }, (_, number) => digestOf(Buffer.from(`${number}`)));
  const records = digests
    .map((digest, number) => Buffer.concat([digest, Buffer.from([number % 251, 1, 0, 0])]))
    .toSorted((one, other) => Buffer.compare(one, other));
  const header = encodeHeader({ count, fanOutBits });
  const fanOut = Uint32Array.from(
    { length: 2 ** fanOutBits },
    (_, bucket) =>
      records.filter((record) => record.readUInt8(0) / 2 ** (8 - fanOutBits) < bucket + 1).length,
  );
  return Buffer.concat([header, ...records, encodeTail(header, fanOut)]);
}

/** A changed segment; mostly with the count and the check that it should have. */
export function mutateSegment(samples: readonly Buffer[], dice: Dice): Buffer {
  const input = Buffer.from(mutateBytes(samples, dice));
  if (input.length < HEADER_BYTES || dice.oneIn(4)) return input;
  const fanOutBits = input.readUInt32LE(12);
  if (fanOutBits > MAX_FAN_OUT_BITS) return input;
  const tail = tailBytes(fanOutBits);
  const count = Math.floor((input.length - HEADER_BYTES - tail) / RECORD_BYTES);
  if (count < 0) return input;
  const header = encodeHeader({ count, fanOutBits });
  const fanOut = Uint32Array.from({ length: 2 ** fanOutBits }, (_, bucket) =>
    Math.min(count, input.readUInt32LE(recordOffset(count) + 4 * bucket)),
  );
  if (!dice.oneIn(8)) fanOut.sort();
  fanOut[fanOut.length - 1] = count;
  return Buffer.concat([
    header,
    input.subarray(HEADER_BYTES, recordOffset(count)),
    encodeTail(header, fanOut),
  ]);
}

/** In what `openSegment` takes, all records can be read, and any digest looked for. */
export function trySegment(input: Buffer, { file, dice }: Trial): void {
  writeFileSync(file, input);
  const segment = openSegment(file);
  if ('defect' in segment) throw new KgetError('corrupt', segment.defect);
  try {
    const records = Buffer.alloc(segment.count * RECORD_BYTES);
    segment.read(0, records);
    for (let finds = 0; finds < FINDS; finds += 1) tryFind(segment, records, dice);
  } finally {
    segment.close();
  }
}

function tryFind(segment: TableSegment, records: Buffer, dice: Dice): void {
  const place = dice.below(segment.count + 1);
  const digest =
    place === segment.count || dice.oneIn(4)
      ? dice.bytes(32)
      : records.subarray(place * RECORD_BYTES, place * RECORD_BYTES + 32);
  const hit = segment.find(digest);
  if (hit === undefined) return;
  const at = hit.position * RECORD_BYTES;
  assert.ok(digest.equals(records.subarray(at, at + 32)));
  assert.equal(hit.packedBytes, records.readUInt32LE(at + 32));
}
