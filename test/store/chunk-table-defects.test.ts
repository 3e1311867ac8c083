import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { digestOf } from '../../src/content/digest.ts';
import { openChunkTable } from '../../src/store/chunk-table.ts';
import { addToTable } from '../../src/store/table-add.ts';
import { encodeHeader, encodeTail } from '../../src/store/table-format.ts';
import { openSegment } from '../../src/store/table-segment.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import {
  inOrder,
  packRecords,
  readTable,
  sampleDigest,
  sampleRecords,
  segmentsIn,
} from './chunk-table-samples.ts';

const GOOD = sampleRecords(0, 1000);
const OTHER = sampleRecords(5000, 600);

/** A table of one good segment, and the path and bytes of one more that is to be spoilt. */
async function setUp(t: TestContext) {
  const root = temporaryDirectory(t);
  const [directory, aside] = [join(root, 'table'), join(root, 'aside')];
  await addToTable(directory, [packRecords(GOOD)]);
  await addToTable(aside, [packRecords(OTHER)]);
  const bytes = readFileSync(segmentsIn(aside)[0] ?? '');
  return { directory, path: join(directory, 'spoilt.chunks'), bytes };
}

const DEFECTS: readonly [string, (bytes: Buffer) => Buffer, RegExp][] = [
  ['is empty', () => Buffer.alloc(0), /found 0 B, wanted a header/],
  ['is cut short', (bytes) => bytes.subarray(0, -1), /found 21679 B, wanted 21680 B for 600/],
  ['is too long', (bytes) => Buffer.concat([bytes, bytes]), /found 43360 B, wanted 21680 B/],
  ['is foreign', (bytes) => bytes.fill('other', 0, 8), /found another format/],
  ['has a later version', (bytes) => bytes.fill(2, 8, 9), /wanted KGETCHNK of version 1/],
  ['claims a huge count', (bytes) => bytes.fill(0xff, 16, 24), /records and a fan-out of 2 bits/],
  ['claims a huge fan-out', (bytes) => bytes.fill(40, 12, 13), /a fan-out of 40 bits/],
  ['has a flipped bit in its header', (bytes) => bytes.fill(1, 24, 25), /do not match their check/],
  ['has a flipped bit in its fan-out', (bytes) => flip(bytes, 21_680 - 48), /their check/],
  ['has a flipped bit in its check', (bytes) => flip(bytes, 21_680 - 1), /their check/],
];

function flip(bytes: Buffer, place: number): Buffer {
  return bytes.fill((bytes[place] ?? 0) ^ 4, place, place + 1);
}

for (const [what, spoil, warning] of DEFECTS) {
  void test(`\`openChunkTable\` ignores a segment with a warning when it ${what}`, async (t) => {
    const { directory, path, bytes } = await setUp(t);
    writeFileSync(path, bytes);
    assert.deepEqual((await readTable(directory)).records, inOrder(GOOD, OTHER));
    writeFileSync(path, spoil(bytes));
    const { records, warnings } = await readTable(directory);
    assert.deepEqual(records, inOrder(GOOD));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', warning);
    assert.ok(warnings[0]?.includes(path));
  });
}

for (const [what, make] of [
  ['a directory', (path: string) => mkdirSync(path)],
  ['a named pipe', (path: string) => spawnSync('mkfifo', [path])],
] as const) {
  void test(`\`openChunkTable\` ignores ${what} with a warning`, async (t) => {
    const { directory, path } = await setUp(t);
    make(path);
    const { records, warnings } = await readTable(directory);
    assert.deepEqual(records, inOrder(GOOD));
    assert.match(warnings.join('\n'), /something else than a regular file/);
  });
}

void test('`addToTable` keeps what it does not understand, and merges the others', async (t) => {
  const { directory, path } = await setUp(t);
  writeFileSync(path, 'of another program');
  await addToTable(directory, [packRecords(OTHER)]);
  assert.equal(segmentsIn(directory).length, 3);
  await addToTable(directory, [packRecords(sampleRecords(9000, 500))]);
  assert.equal(segmentsIn(directory).length, 2);
  assert.equal(readFileSync(path, 'utf8'), 'of another program');
});

void test('`openSegment` throws nothing and makes no segment of arbitrary bytes', async (t) => {
  const path = join(temporaryDirectory(t), 'x.chunks');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.boolean(), (bytes, hasMagic) => {
      if (hasMagic) Buffer.from('KGETCHNK\x01\0\0\0', 'latin1').copy(bytes);
      writeFileSync(path, bytes);
      assert.ok('defect' in openSegment(path));
    }),
    { numRuns: 300 },
  );
});

void test('`find` and `records` end, and throw nothing, when records are arbitrary', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'x.chunks');
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 600 }),
      fc.nat(),
      fc.array(fc.nat(600), { minLength: 4, maxLength: 4 }),
      async (count, seed, inner) => {
        const records = Buffer.alloc(count * 36);
        for (let at = 0; at < records.length; at += 32) sampleDigest(seed + at).copy(records, at);
        const header = encodeHeader({ count, fanOutBits: 2 });
        const fanOut = inner.map((sum) => sum % count).toSorted((a, b) => a - b);
        const tail = encodeTail(header, Uint32Array.from([...fanOut.slice(1), count]));
        writeFileSync(path, Buffer.concat([header, records, tail]));
        const { records: found, warnings } = await readTable(directory);
        assert.deepEqual(warnings, []);
        assert.deepEqual(found, inOrder(new Map(found)));
        const table = await openChunkTable(directory);
        for (let place = 0; place < 100; place += 1) table.find(digestOf(Buffer.from([place])));
        table.close();
      },
    ),
    { numRuns: 100 },
  );
});

void test('`openSegment` refuses a fan-out that descends or has another sum', (t) => {
  const path = join(temporaryDirectory(t), 'x.chunks');
  const header = encodeHeader({ count: 2, fanOutBits: 1 });
  for (const [fanOut, pattern] of [
    [[3, 2], /descends at bucket 1/],
    [[1, 1], /a fan-out of 1 records, wanted 2/],
  ] as const) {
    const tail = encodeTail(header, Uint32Array.from(fanOut));
    writeFileSync(path, Buffer.concat([header, Buffer.alloc(72), tail]));
    const opened = openSegment(path);
    assert.match('defect' in opened ? opened.defect : '', pattern);
  }
});

void test('`find` goes on without a segment when it is cut short while in use', async (t) => {
  const { directory, path, bytes } = await setUp(t);
  writeFileSync(path, bytes);
  const table = await openChunkTable(directory);
  assert.ok(table.find(sampleDigest(5001)));
  truncateSync(path, 100);
  assert.equal(table.find(sampleDigest(5001)), undefined);
  assert.ok(table.find(sampleDigest(1)));
  assert.equal(table.warnings.length, 1);
  assert.match(table.warnings[0] ?? '', /cut short while it was in use/);
  table.close();
});

void test('`addToTable` loses only what cannot be read when it merges', async (t) => {
  const { directory, path, bytes } = await setUp(t);
  writeFileSync(path, bytes);
  // The greatest record comes first: nothing behind it ascends.
  const damaged = Buffer.from(bytes);
  damaged.fill(0xff, 32, 64);
  writeFileSync(path, damaged);
  const more = sampleRecords(20_000, 500);
  await addToTable(directory, [packRecords(more)]);
  assert.equal(segmentsIn(directory).length, 1);
  const { records, warnings } = await readTable(directory);
  assert.deepEqual(warnings, []);
  assert.deepEqual(records.slice(0, -1), inOrder(GOOD, more));
});

void test('`addToTable` ignores unfinished segments, and removes those of yesterday', async (t) => {
  const { directory, path, bytes } = await setUp(t);
  const [fresh, stale] = ['fresh', 'stale'].map((name) => join(directory, `${name}.chunks-part`));
  assert.ok(fresh !== undefined && stale !== undefined);
  writeFileSync(path, bytes);
  renameSync(path, fresh);
  copyFileSync(fresh, stale);
  const longAgo = new Date('2020-01-01');
  utimesSync(stale, longAgo, longAgo);
  await addToTable(directory, [packRecords(sampleRecords(9000, 10))]);
  const { records, warnings } = await readTable(directory);
  assert.deepEqual(records, inOrder(GOOD, sampleRecords(9000, 10)));
  assert.deepEqual(warnings, []);
  assert.deepEqual([existsSync(fresh), existsSync(stale)], [true, false]);
});
