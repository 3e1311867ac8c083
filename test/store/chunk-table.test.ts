import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { openChunkTable } from '../../src/store/chunk-table.ts';
import { addToTable } from '../../src/store/table-add.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import {
  anyRecords,
  inOrder,
  packRecords,
  readTable,
  sampleDigest,
  sampleRecords,
  segmentsIn,
  SPREAD_NAMES,
  unpackRecords,
} from './chunk-table-samples.ts';

void test('`find` and `records` answer as a map does, over segments with duplicates', async (t) => {
  const root = temporaryDirectory(t);
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyRecords, { maxLength: 5 }), async (additions) => {
      runs += 1;
      const directory = join(root, String(runs));
      for (const records of additions) await addToTable(directory, [packRecords(records)]);
      const wanted = inOrder(...additions);
      assert.deepEqual(await readTable(directory), { records: wanted, warnings: [] });
      const table = await openChunkTable(directory);
      const ordinals = new Set<number>();
      for (const [hex, packedBytes] of wanted) {
        const hit = table.find(Buffer.from(hex, 'hex'));
        assert.equal(hit?.packedBytes, packedBytes);
        assert.deepEqual(table.find(Buffer.from(hex, 'hex')), hit);
        assert.ok(hit.ordinal >= 0 && hit.ordinal < table.ordinals);
        ordinals.add(hit.ordinal);
      }
      assert.equal(ordinals.size, wanted.length);
      const known = new Set(wanted.map(([hex]) => hex));
      for (const [hex] of SPREAD_NAMES.flatMap((spread) => [...sampleRecords(0, 200, spread)])) {
        assert.equal(table.find(Buffer.from(hex, 'hex')) !== undefined, known.has(hex));
      }
      table.close();
    }),
    { numRuns: 15 },
  );
});

for (const spread of SPREAD_NAMES) {
  void test(`\`find\` finds each of 12,000 ${spread} digests and none beside them`, async (t) => {
    const directory = temporaryDirectory(t);
    const even = sampleRecords(0, 12_000, spread);
    await addToTable(directory, [packRecords(even)]);
    const table = await openChunkTable(directory);
    for (const [hex, packedBytes] of even) {
      const digest = Buffer.from(hex, 'hex');
      assert.equal(table.find(digest)?.packedBytes, packedBytes);
      digest[31] = (digest[31] ?? 0) ^ 1;
      assert.equal(table.find(digest) !== undefined, even.has(digest.toString('hex')));
    }
    for (const end of [0x00, 0xff]) assert.equal(table.find(Buffer.alloc(32, end)), undefined);
    table.close();
  });
}

void test('`openChunkTable` gives an empty table when there is no directory', async (t) => {
  const table = await openChunkTable(join(temporaryDirectory(t), 'none'));
  assert.equal(table.ordinals, 0);
  assert.equal(table.find(sampleDigest(1)), undefined);
  assert.deepEqual(table.warnings, []);
  table.close();
});

void test('an open table keeps its state when segments are added and merged', async (t) => {
  const directory = temporaryDirectory(t);
  await addToTable(directory, [packRecords(sampleRecords(0, 500))]);
  const table = await openChunkTable(directory);
  const before = table.find(sampleDigest(7));
  await addToTable(directory, [packRecords(sampleRecords(400, 400))]);
  await addToTable(directory, [packRecords(sampleRecords(1000, 200))]);
  assert.equal(segmentsIn(directory).length, 1);
  assert.deepEqual(table.find(sampleDigest(7)), before);
  assert.equal(table.find(sampleDigest(1001)), undefined);
  const batches: Buffer[] = [];
  for await (const batch of table.records()) batches.push(batch);
  assert.deepEqual(unpackRecords(Buffer.concat(batches)), inOrder(sampleRecords(0, 500)));
  table.close();
});

void test('`records` throws when the table is closed while it is read', async (t) => {
  const directory = temporaryDirectory(t);
  await addToTable(directory, [packRecords(sampleRecords(0, 10_000))]);
  const table = await openChunkTable(directory);
  const records = table.records();
  await records.next();
  table.close();
  await assert.rejects(records.next(), /closed while it was read/);
  assert.throws(() => table.find(sampleDigest(1)), /the table is closed/);
});

void test('`addToTable` writes the layout that table-format.ts tells', async (t) => {
  const directory = join(temporaryDirectory(t), 'a', 'table');
  mkdirSync(join(directory, '..'));
  const records = sampleRecords(0, 3);
  await addToTable(directory, [packRecords(records), packRecords(records)]);
  const [path = ''] = segmentsIn(directory);
  const bytes = readFileSync(path);
  assert.equal(bytes.length, 32 + 3 * 36 + 4 + 32);
  assert.equal(bytes.toString('latin1', 0, 8), 'KGETCHNK');
  assert.deepEqual(
    [8, 12].map((at) => bytes.readUInt32LE(at)),
    [1, 0],
  );
  assert.equal(bytes.readBigUInt64LE(16), 3n);
  assert.deepEqual(unpackRecords(bytes.subarray(32, 32 + 3 * 36)), inOrder(records));
  assert.equal(bytes.readUInt32LE(32 + 3 * 36), 3);
});
