import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { addToTable } from '../../src/store/table-add.ts';
import { lockTable } from '../../src/store/table-directory.ts';
import { type RebuildProgress, rebuildTable } from '../../src/store/table-rebuild.ts';
import { temporaryDirectory } from '../content/fixtures.ts';
import {
  inOrder,
  packRecords,
  readTable,
  type Records,
  sampleRecords,
  segmentsIn,
} from './chunk-table-samples.ts';

const CHUNKS = new Map([
  ...sampleRecords(0, 120),
  ...sampleRecords(200, 60, 'clustered'),
  ...sampleRecords(300, 80, 'dense'),
]);

function chunkPath(root: string, hex: string): string {
  return join(root, hex.slice(0, 4), `${hex}.cacnk`);
}

function writeChunks(root: string, records: Records): void {
  for (const [hex, packedBytes] of records) {
    mkdirSync(join(root, hex.slice(0, 4)), { recursive: true });
    writeFileSync(chunkPath(root, hex), Buffer.alloc(packedBytes));
  }
}

function setUp(t: TestContext) {
  const directory = temporaryDirectory(t);
  const place = { root: join(directory, 'store'), directory: join(directory, 'own', 'table') };
  writeChunks(place.root, CHUNKS);
  return place;
}

function totalsOf(records: Records) {
  const packedBytes = [...records.values()].reduce((sum, bytes) => sum + bytes, 0);
  return { chunks: records.size, packedBytes };
}

void test('`rebuildTable` gives the table that adding all chunks gives', async (t) => {
  const place = setUp(t);
  assert.deepEqual(await rebuildTable(place), totalsOf(CHUNKS));
  assert.deepEqual(await readTable(place.directory), { records: inOrder(CHUNKS), warnings: [] });
  assert.equal(segmentsIn(place.directory).length, 1);
});

void test('`rebuildTable` forgets what is gone and segments that are damaged', async (t) => {
  const place = setUp(t);
  await addToTable(place.directory, [packRecords(CHUNKS), packRecords(sampleRecords(9000, 50))]);
  writeFileSync(join(place.directory, 'foreign.chunks'), 'x');
  const [first = ''] = CHUNKS.keys();
  rmSync(chunkPath(place.root, first));
  const left = new Map([...CHUNKS].filter(([hex]) => hex !== first));
  assert.deepEqual(await rebuildTable(place), totalsOf(left));
  assert.deepEqual(await readTable(place.directory), { records: inOrder(left), warnings: [] });
});

void test('`rebuildTable` takes sizes from the old table, and others from files', async (t) => {
  const place = setUp(t);
  const known = new Map([...CHUNKS].slice(0, 50).map(([hex, bytes]) => [hex, bytes + 1000]));
  await addToTable(place.directory, [packRecords(known)]);
  await rebuildTable(place);
  assert.deepEqual((await readTable(place.directory)).records, inOrder(CHUNKS, known));
});

void test('`rebuildTable` passes over what is no chunk', async (t) => {
  const place = setUp(t);
  const [hex = ''] = CHUNKS.keys();
  const path = chunkPath(place.root, hex);
  const prefix = dirname(path);
  for (const name of [`${hex}.bad`, `.${hex}.cacnk.tmp`, `${hex.toUpperCase()}A.cacnk`, 'README']) {
    writeFileSync(join(prefix, name), 'x');
  }
  const inOtherPrefix = hex.startsWith('0000') ? '1111' : '0000';
  writeFileSync(join(prefix, `${inOtherPrefix}${hex.slice(4)}.cacnk`), 'x');
  const flipped = (digit: string) => `${hex.slice(0, 60)}${digit.repeat(4)}.cacnk`;
  writeFileSync(join(prefix, flipped('0')), '');
  mkdirSync(join(prefix, flipped('1')));
  symlinkSync(path, join(prefix, flipped('2')));
  writeFileSync(join(place.root, 'abcd'), 'x');
  mkdirSync(join(place.root, 'abcde'));
  await rebuildTable(place);
  assert.deepEqual((await readTable(place.directory)).records, inOrder(CHUNKS));
});

void test('`rebuildTable` keeps what is added while it walks', async (t) => {
  const place = setUp(t);
  await addToTable(place.directory, [packRecords(sampleRecords(9000, 50))]);
  const added = sampleRecords(7000, 20);
  const adding: Promise<void>[] = [];
  await rebuildTable({
    ...place,
    onProgress({ prefixesDone }) {
      if (prefixesDone === 5) adding.push(addToTable(place.directory, [packRecords(added)]));
    },
  });
  await Promise.all(adding);
  assert.deepEqual((await readTable(place.directory)).records, inOrder(CHUNKS, added));
});

void test('`rebuildTable` reports its progress up to the end', async (t) => {
  const place = setUp(t);
  const told: RebuildProgress[] = [];
  const totals = await rebuildTable({ ...place, onProgress: (progress) => told.push(progress) });
  const prefixes = new Set([...CHUNKS.keys()].map((hex) => hex.slice(0, 4))).size;
  assert.deepEqual(told.at(-1), { ...totals, prefixesDone: prefixes, prefixes });
  assert.deepEqual(
    told.map(({ prefixesDone }) => prefixesDone),
    Array.from({ length: prefixes }, (_, done) => done + 1),
  );
});

void test('`rebuildTable` throws `cancelled` and leaves the old table when aborted', async (t) => {
  const place = setUp(t);
  const old = sampleRecords(9000, 50);
  await addToTable(place.directory, [packRecords(old)]);
  const controller = new AbortController();
  const rebuilding = rebuildTable({
    ...place,
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await assert.rejects(rebuilding, { code: 'cancelled' });
  assert.deepEqual(await readTable(place.directory), { records: inOrder(old), warnings: [] });
  assert.deepEqual(await rebuildTable(place), totalsOf(CHUNKS));
});

void test('`rebuildTable` throws `locked` when another is at it', async (t) => {
  const place = setUp(t);
  mkdirSync(place.directory, { recursive: true });
  const unlock = lockTable(place.directory);
  await assert.rejects(rebuildTable(place), { code: 'locked' });
  unlock();
  await rebuildTable(place);
});

void test('`rebuildTable` throws `source-unreadable` when there is no store', async (t) => {
  const place = setUp(t);
  await assert.rejects(rebuildTable({ ...place, root: join(place.root, 'none') }), {
    code: 'source-unreadable',
  });
});

void test('`rebuildTable` empties the table of an empty store', async (t) => {
  const place = setUp(t);
  await rebuildTable(place);
  truncateSync(segmentsIn(place.directory)[0] ?? '', 10);
  rmSync(place.root, { recursive: true });
  mkdirSync(place.root);
  assert.deepEqual(await rebuildTable(place), { chunks: 0, packedBytes: 0 });
  assert.deepEqual(segmentsIn(place.directory), []);
});
