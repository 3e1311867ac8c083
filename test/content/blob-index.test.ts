import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KgetError } from '../../src/base/error.ts';
import { type IndexedChunk, openBlobIndex } from '../../src/content/blob-index.ts';
import { openIndex } from '../../src/content/index-reader.ts';
import { CHUNK, temporaryDirectory, writeIndex } from './fixtures.ts';

const FORMATS = join(import.meta.dirname, '../formats');
const SAMPLE = readFileSync(join(FORMATS, 'sample.caibx'));
const BOUNDS = { min: 16, avg: 64, max: 256 };
const SHA512_256 = 0x2000000000000000n;

/** An index of chunks with these lengths; the digest of each is full of its position. */
function encode(lengths: readonly number[], head: { bounds?: typeof BOUNDS; flags?: bigint } = {}) {
  const { min, avg, max } = head.bounds ?? BOUNDS;
  const bytes = Buffer.from(SAMPLE.subarray(0, 64));
  bytes.writeBigUInt64LE(head.flags ?? SHA512_256, 16);
  for (const [place, value] of [min, avg, max].entries()) {
    bytes.writeBigUInt64LE(BigInt(value), 24 + place * 8);
  }
  let end = 0;
  const entries = lengths.map((length, position) => {
    const entry = Buffer.alloc(40, position % 251);
    end += length;
    entry.writeBigUInt64LE(BigInt(end), 0);
    return entry;
  });
  const tail = Buffer.from(SAMPLE.subarray(SAMPLE.length - 40));
  tail.writeBigUInt64LE(BigInt(16 + 40 * lengths.length + 40), 24);
  return Buffer.concat([bytes, ...entries, tail]);
}

async function assertCorrupt(path: string, pattern: RegExp): Promise<void> {
  await assert.rejects(openBlobIndex(path), (error) => {
    assert.ok(error instanceof KgetError);
    assert.equal(error.code, 'corrupt');
    assert.match(error.message, pattern);
    assert.ok(error.message.includes(path));
    return true;
  });
}

/** Up to some pages of chunks of any allowed length, the last of which may be short. */
const anyLengths = fc
  .tuple(
    fc.array(fc.integer({ min: BOUNDS.min, max: BOUNDS.max }), { maxLength: 700, size: 'max' }),
    fc.integer({ min: 1, max: BOUNDS.max }),
  )
  .map(([lengths, last]) => lengths.concat(last));

void test('`read` and `find` agree with the chunks that were written', async (t) => {
  const path = join(temporaryDirectory(t), 'x.caibx');
  await fc.assert(
    fc.asyncProperty(anyLengths, fc.array(fc.nat(), { maxLength: 50 }), async (lengths, wishes) => {
      writeFileSync(path, encode(lengths));
      const index = await openBlobIndex(path);
      t.after(() => index.close());
      const wanted = chunksOf(lengths);
      assert.equal(index.chunkCount, lengths.length);
      assert.equal(
        index.sizeBytes,
        lengths.reduce((sum, length) => sum + length, 0),
      );
      assert.deepEqual(index.read(0, lengths.length), wanted);
      for (const wish of wishes) {
        const offset = wish % index.sizeBytes;
        const position = index.find(offset);
        const [chunk] = index.read(position, 1);
        assert.deepEqual(chunk, wanted[position]);
        assert.ok(chunk !== undefined && chunk.offset <= offset);
        assert.ok(offset < chunk.offset + chunk.lengthBytes);
      }
    }),
    { numRuns: 40 },
  );
});

function chunksOf(lengths: readonly number[]): IndexedChunk[] {
  let offset = 0;
  return lengths.map((lengthBytes, position) => {
    const digest = Buffer.alloc(32, position % 251);
    const chunk = { offset, lengthBytes, digest, algorithm: 'sha512-256' } as const;
    offset += lengthBytes;
    return chunk;
  });
}

void test('`find` knows the first and the last byte of every chunk, in any order', async (t) => {
  const path = join(temporaryDirectory(t), 'x.caibx');
  const lengths = Array.from({ length: 1025 }, (_, position) => 16 + ((position * 37) % 241));
  writeFileSync(path, encode(lengths));
  const index = await openBlobIndex(path);
  t.after(() => index.close());
  const chunks = chunksOf(lengths);
  const near = chunks.map((_, position) => position);
  const far = near.map((position) => (position * 400) % chunks.length);
  for (const order of [near, near.toReversed(), far]) {
    for (const position of order) {
      const chunk = chunks[position];
      assert.ok(chunk !== undefined);
      assert.equal(index.find(chunk.offset), position);
      assert.equal(index.find(chunk.offset + chunk.lengthBytes - 1), position);
    }
  }
});

void test('`openBlobIndex` reads our own indexes as `openIndex` does', async (t) => {
  const path = join(temporaryDirectory(t), 'x.caibx');
  await writeIndex(path, Buffer.alloc(5000 * CHUNK + 77, 'any'));
  const [fixed, blob] = [await openIndex(path), await openBlobIndex(path)];
  assert.equal(blob.isFixed, true);
  assert.equal(blob.algorithm, 'sha256');
  assert.equal(blob.sizeBytes, fixed.shape.sizeBytes);
  const chunks = blob.read(0, blob.chunkCount);
  const digests = Buffer.concat(chunks.map((chunk) => chunk.digest));
  assert.ok(digests.equals(fixed.read(0, fixed.chunkCount)));
  assert.equal(chunks.at(-1)?.lengthBytes, 77);
  assert.equal(blob.find(4095), 0);
  assert.equal(blob.find(4096), 1);
  assert.equal(blob.find(blob.sizeBytes - 1), 5000);
  fixed.close();
  blob.close();
  blob.close();
});

void test('`openBlobIndex` reads an index of nothing', async (t) => {
  const path = join(temporaryDirectory(t), 'x.caibx');
  writeFileSync(path, encode([]));
  const index = await openBlobIndex(path);
  assert.equal(index.sizeBytes, 0);
  assert.deepEqual(index.read(0, 0), []);
  index.close();
});

const MIB = 1024 ** 2;
const HOSTILE: readonly [string, Buffer, RegExp][] = [
  [
    'a chunk is too long',
    encode([20, 257, 20]),
    /chunk 1 to go from byte 20 to byte 277, wanted 16/,
  ],
  ['a chunk before the last is too short', encode([20, 15, 20]), /chunk 1 .* wanted 16 to 256 B/],
  ['a chunk is empty', encode([20, 20, 0]), /chunk 2 .* wanted 1 to 256 B/],
  ['an end goes back', encode([200, -50, 20]), /chunk 1 to go from byte 200 to byte 150/],
  ['an end is beyond all integers', hostile(64, 2n ** 64n - 1n), /to byte Infinity/],
  ['a chunk is missing', Buffer.concat([SAMPLE.subarray(0, 64), SAMPLE.subarray(104)]), /tail/],
  ['bytes follow', Buffer.concat([SAMPLE, Buffer.alloc(1)]), /wanted 104 B and 40 B/],
  ['it is empty', Buffer.alloc(0), /found 0 B/],
  ['the type is another', hostile(8, 1n), /header type 0x1, wanted 0x96824d9c7b129ff9/],
  ['it is of an archive', hostile(16, 0xb0000001effffe26n), /flags 0x1effffe26 of an archive/],
  [
    'flags are unknown',
    hostile(16, 0x0800000200000000n),
    /unknown feature flags 0x800000200000000/,
  ],
  [
    'chunks may be larger than 16 MiB',
    encode([20], { bounds: { min: 16, avg: 64, max: 16 * MIB + 1 } }),
    /up to 16777217 B, wanted at most .* smaller --chunk-size/,
  ],
  ['chunks may be empty', hostile(24, 0n), /a least, .* of 0, 64 and 256 B/],
  ['bounds are out of order', hostile(32, 300n), /of 16, 300 and 256 B, wanted .* ascending/],
];

function hostile(place: number, value: bigint): Buffer {
  const bytes = encode([20, 20]);
  bytes.writeBigUInt64LE(value, place);
  return bytes;
}

for (const [what, bytes, pattern] of HOSTILE) {
  void test(`\`openBlobIndex\` throws \`corrupt\` when ${what}`, async (t) => {
    const path = join(temporaryDirectory(t), 'x.caibx');
    writeFileSync(path, bytes);
    await assertCorrupt(path, pattern);
  });
}

void test('`openBlobIndex` takes the flags that casync sets in vain', async (t) => {
  const path = join(temporaryDirectory(t), 'x.caibx');
  writeFileSync(path, encode([20, 20], { flags: 0xd000000000000000n }));
  const index = await openBlobIndex(path);
  assert.equal(index.algorithm, 'sha256');
  index.close();
});

void test('`openBlobIndex` throws `corrupt` when the file claims to be huge', async (t) => {
  const path = join(temporaryDirectory(t), 'x.caibx');
  writeFileSync(path, encode([20, 20]));
  truncateSync(path, 104 + 40 * 10_000_000_000);
  await assertCorrupt(path, /word 2 of the tail/);
});

void test('`openBlobIndex` throws when there is a directory, or nothing', async (t) => {
  const directory = temporaryDirectory(t);
  await assertCorrupt(directory, /regular file/);
  await assert.rejects(openBlobIndex(join(directory, 'none')), { code: 'source-unreadable' });
});

void test('`read` and `find` throw `corrupt` when the index was changed since', async (t) => {
  const path = join(temporaryDirectory(t), 'x.caibx');
  writeFileSync(path, encode([20, 20, 20]));
  const index = await openBlobIndex(path);
  t.after(() => index.close());
  writeFileSync(path, encode([20, 15, 25]));
  assert.throws(() => index.read(0, 3), { code: 'corrupt' });
  assert.throws(() => index.find(30), { code: 'corrupt' });
  writeFileSync(path, encode([16, 16, 16]));
  assert.throws(() => index.find(59), { code: 'corrupt', message: /no chunk with byte 59/ });
  truncateSync(path, 70);
  assert.throws(() => index.read(1, 1), { code: 'corrupt', message: /its end at byte 70/ });
});
