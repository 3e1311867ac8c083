import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { addToTable } from '../../src/store/table-add.ts';
import { segmentsToMerge } from '../../src/store/table-compact.ts';
import { lockTable } from '../../src/store/table-directory.ts';
import { mergedRecords } from '../../src/store/table-merge.ts';
import { openSegment } from '../../src/store/table-segment.ts';
import { sortedRecords } from '../../src/store/table-sort.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import {
  anyRecords,
  inOrder,
  packRecords,
  readTable,
  sampleRecords,
  segmentsIn,
  unpackRecords,
} from './chunk-table-samples.ts';

void test('`segmentsToMerge` leaves at most 8 segments, each no smaller than the rest', () => {
  const counts = fc.array(fc.integer({ min: 0, max: 10_000 }), { maxLength: 40 });
  fc.assert(
    fc.property(counts, (all) => {
      const segments = all.toSorted((a, b) => b - a).map((count) => ({ count }));
      const merged = segmentsToMerge(segments);
      assert.notEqual(merged.length, 1);
      const kept = segments.slice(0, segments.length - merged.length);
      assert.deepEqual(segments, [...kept, ...merged]);
      assert.ok(kept.length + (merged.length > 0 ? 1 : 0) <= 8);
      for (const [place, { count }] of kept.entries()) {
        const smaller = segments.slice(place + 1).reduce((sum, other) => sum + other.count, 0);
        assert.ok(count >= smaller);
      }
    }),
  );
});

for (const [additions, times] of [
  [1000, 8],
  [10_000, 11],
] as const) {
  void test(`\`segmentsToMerge\` has records written ${times} times in ${additions} adds`, () => {
    let segments: { readonly count: number }[] = [];
    let written = 0;
    for (let addition = 0; addition < additions; addition += 1) {
      segments.push({ count: 1 });
      const merged = segmentsToMerge(segments);
      const count = merged.reduce((sum, other) => sum + other.count, 0);
      segments = segments.slice(0, segments.length - merged.length);
      if (count > 0) segments.push({ count });
      written += 1 + count;
    }
    assert.ok(written / additions <= times, `${written / additions} times`);
  });
}

void test('`addToTable` keeps all, in at most 8 segments, through many merges', async (t) => {
  const directory = temporaryDirectory(t);
  const additions = Array.from({ length: 40 }, (_, place) =>
    sampleRecords(place * 50, 1 + ((place * 37) % 90)),
  );
  for (const records of additions) {
    await addToTable(directory, [packRecords(records)]);
    assert.ok(segmentsIn(directory).length <= 8);
  }
  assert.deepEqual(await readTable(directory), { records: inOrder(...additions), warnings: [] });
});

void test('`addToTable` adds nothing when there are no records', async (t) => {
  const directory = temporaryDirectory(t);
  await addToTable(directory, []);
  await addToTable(directory, [Buffer.alloc(0)]);
  assert.deepEqual(segmentsIn(directory), []);
});

void test('`sortedRecords` sorts pieces of any size as a map would', () => {
  fc.assert(
    fc.property(fc.array(anyRecords, { maxLength: 4 }), fc.nat(500), (all, cut) => {
      const pieces = all.map((records) => packRecords(records));
      const parts = pieces.flatMap((piece) => [
        piece.subarray(0, cut * 36),
        piece.subarray(cut * 36),
      ]);
      const sorted = Buffer.concat([...sortedRecords(parts)]);
      assert.deepEqual(unpackRecords(sorted), inOrder(...all));
    }),
    { numRuns: 30 },
  );
});

void test('`mergedRecords` tells of an unreadable segment and gives the others', async (t) => {
  const root = temporaryDirectory(t);
  const all = [sampleRecords(0, 3000), sampleRecords(10_000, 3000)];
  const opened = [];
  for (const [place, records] of all.entries()) {
    const directory = join(root, String(place));
    await addToTable(directory, [packRecords(records)]);
    const segment = openSegment(segmentsIn(directory)[0] ?? '');
    assert.ok('find' in segment);
    opened.push(segment);
  }
  opened[1]?.close();
  const told: unknown[] = [];
  const merged = [...mergedRecords(opened, (segment) => told.push(segment))];
  assert.deepEqual(unpackRecords(Buffer.concat(merged)), inOrder(sampleRecords(0, 3000)));
  assert.deepEqual(told, [opened[1]]);
  opened[0]?.close();
});

void test('`addToTable` leaves its segment when another merges, and merges it later', async (t) => {
  const directory = temporaryDirectory(t);
  const unlock = lockTable(directory);
  const additions = Array.from({ length: 12 }, (_, place) => sampleRecords(place * 100, 100));
  for (const records of additions) await addToTable(directory, [packRecords(records)]);
  assert.equal(segmentsIn(directory).length, 12);
  unlock();
  await addToTable(directory, []);
  assert.ok(segmentsIn(directory).length <= 8);
  assert.deepEqual((await readTable(directory)).records, inOrder(...additions));
});

void test('`addToTable` takes the lock of a process that is gone', async (t) => {
  const directory = temporaryDirectory(t);
  const lock = join(directory, 'merge.lock');
  writeFileSync(lock, '999999999 1\n');
  for (let place = 0; place < 9; place += 1) {
    await addToTable(directory, [packRecords(sampleRecords(place * 10, 10))]);
  }
  assert.ok(segmentsIn(directory).length <= 8);
  assert.equal(existsSync(lock), false);
});

void test('`addToTable` loses nothing when calls in one process run at once', async (t) => {
  const directory = temporaryDirectory(t);
  const additions = Array.from({ length: 30 }, (_, place) => sampleRecords(place * 70, 100));
  await Promise.all(additions.map((records) => addToTable(directory, [packRecords(records)])));
  assert.deepEqual(await readTable(directory), { records: inOrder(...additions), warnings: [] });
});

/** Adds 25 times 40 records, from the seed that is its argument on. */
const ADDER = `
  const at = (path) => import(new URL(path, ${JSON.stringify(import.meta.url)}).href);
  const { addToTable } = await at('../../src/store/table-add.ts');
  const { packRecords, sampleRecords } = await at('./chunk-table-samples.ts');
  const [directory, first] = process.argv.slice(1);
  for (let place = 0; place < 25; place += 1) {
    const records = sampleRecords(Number(first) + place * 40, 40);
    await addToTable(directory, [packRecords(records)]);
  }
`;

void test('`addToTable` loses nothing when processes add and merge at once', async (t) => {
  const directory = temporaryDirectory(t);
  const adders = [0, 1000, 2000].map(async (first) => {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', ADDER, directory, String(first)],
      { stdio: 'inherit' },
    );
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  });
  // Without any lock: two hosts do not see each other's processes.
  const disturber = (async () => {
    for (let place = 0; place < 60; place += 1) {
      rmSync(join(directory, 'merge.lock'), { force: true });
      await addToTable(directory, [packRecords(sampleRecords(3000 + place, 1))]);
    }
  })();
  assert.deepEqual(await Promise.all(adders), [0, 0, 0]);
  await disturber;
  assert.deepEqual(await readTable(directory), {
    records: inOrder(sampleRecords(0, 3060)),
    warnings: [],
  });
});
