import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import { readCatalogue } from '../../src/catalogue/catalogue.ts';
import { measureStore, type StoreMeasure } from '../../src/catalogue/size-table.ts';
import { measureSnapshots } from '../../src/catalogue/sizes.ts';
import { storeStatistics } from '../../src/catalogue/statistics.ts';
import { chunkFileOf } from '../../src/content/chunk-name.ts';
import { digestOf } from '../../src/content/digest.ts';
import { DIGEST_BYTES } from '../../src/content/image.ts';
import { addToTable } from '../../src/store/table-add.ts';
import { RECORD_BYTES } from '../../src/store/table-record.ts';
import { CHUNK, drawImage } from '../content/fixtures.ts';
import { makeStore, type TestStore } from '../store/fixtures.ts';

/** Images of two nodes in two runs: `s` is in all, `x` only in one of node a, `y` in node b's. */
const IMAGES = [
  { run: '20260101T020000Z-aaaaaa', node: 'a', image: drawImage('sx..') },
  { run: '20260101T020000Z-aaaaaa', node: 'b', image: drawImage('ssy.') },
  { run: '20260102T020000Z-bbbbbb', node: 'b', image: drawImage('sy.zz') },
];

const [FIRST, SECOND, THIRD] = [
  '20260101T020000Z-aaaaaa/a/disk.img',
  '20260101T020000Z-aaaaaa/b/disk.img',
  '20260102T020000Z-bbbbbb/b/disk.img',
] as const;

type Store = TestStore['place'];

async function fill({ addSnapshot }: TestStore): Promise<void> {
  for (const snapshot of IMAGES) await addSnapshot(snapshot);
}

function measured(place: Store): Promise<StoreMeasure> {
  const { runs } = readCatalogue(place);
  return measureStore(
    place,
    runs.flatMap(({ snapshots }) => snapshots),
  );
}

/** The file of the chunk that a letter fills. */
function fileOf(place: Store, letter: string): string {
  return chunkFileOf(place.chunks, digestOf(drawImage(letter)));
}

/** Moves a chunk's file where `prune` would. */
function setAside(place: Store, letter: string): void {
  const batch = join(place.trash, '20260103T000000Z-aaaaaa');
  mkdirSync(batch, { recursive: true });
  renameSync(fileOf(place, letter), join(batch, basename(fileOf(place, letter))));
}

function packed(place: Store, letters: string): number {
  return letters.split('').reduce((sum, letter) => sum + statSync(fileOf(place, letter)).size, 0);
}

function sizesOf({ sizes }: StoreMeasure, id: string) {
  const found = sizes.snapshots.get(id);
  assert.ok(found, `${id} was measured`);
  return found;
}

void suite('measureStore', () => {
  void test('`measureStore` tells zeros, what is distinct, new and unique', async (t) => {
    const store = await makeStore(t);
    await fill(store);
    const { place } = store;
    const measure = await measured(place);
    assert.ok(measure.isWhole);
    assert.deepEqual(measure.warnings, []);
    const { chunkBytes, ...second } = sizesOf(measure, SECOND);
    assert.deepEqual(chunkBytes, { min: CHUNK, avg: CHUNK, max: CHUNK });
    assert.deepEqual(second, {
      sizeBytes: 4 * CHUNK,
      chunkCount: 4,
      algorithm: 'sha256',
      isFixed: true,
      zeroChunks: 1,
      zeroBytes: CHUNK,
      distinctChunks: 3,
      distinctBytes: 2 * CHUNK,
      storedBytes: packed(place, 'sy.'),
      newChunks: 1,
      newBytes: CHUNK,
      newStoredBytes: packed(place, 'y'),
      uniqueChunks: 0,
      uniqueBytes: 0,
      missingChunks: 0,
      missingBytes: 0,
    });
    assert.equal(sizesOf(measure, FIRST).uniqueBytes, packed(place, 'x'));
    assert.equal(sizesOf(measure, FIRST).newStoredBytes, packed(place, 'sx.'));
    assert.equal(sizesOf(measure, THIRD).uniqueBytes, packed(place, 'z'));
    assert.deepEqual(Object.fromEntries(measure.sizes.groups), {
      '20260101T020000Z-aaaaaa': { uniqueChunks: 1, uniqueBytes: packed(place, 'x') },
      '20260102T020000Z-bbbbbb': { uniqueChunks: 1, uniqueBytes: packed(place, 'z') },
    });
    assert.deepEqual(measure.sizes.used, {
      chunks: 5,
      plainBytes: 4 * CHUNK,
      storedBytes: packed(place, 'sxyz.'),
    });
    assert.deepEqual(measure.files, { chunks: 5, packedBytes: packed(place, 'sxyz.') });
  });

  void test('`measureStore` makes the table anew when it is lost', async (t) => {
    const store = await makeStore(t);
    await fill(store);
    const before = await measured(store.place);
    rmSync(store.place.table, { recursive: true });
    assert.deepEqual(await measured(store.place), before);
    assert.ok(statSync(store.place.table).isDirectory());
  });

  void test('`measureStore` makes the table anew when a chunk is not in it', async (t) => {
    const store = await makeStore(t);
    await fill(store);
    const before = await measured(store.place);
    rmSync(store.place.table, { recursive: true });
    const y = Buffer.alloc(RECORD_BYTES);
    digestOf(drawImage('y')).copy(y);
    y.writeUInt32LE(packed(store.place, 'y'), DIGEST_BYTES);
    await addToTable(store.place.table, [y]);
    assert.deepEqual(await measured(store.place), before);
  });

  void test('`measureStore` says so when there is no table and none can be made', async (t) => {
    const store = await makeStore(t);
    await fill(store);
    rmSync(store.place.table, { recursive: true });
    writeFileSync(store.place.table, 'in the way');
    const measure = await measured(store.place);
    assert.equal(measure.isWhole, false);
    assert.match(measure.warnings.at(-1) ?? '', /does not have all chunks.*left out/);
    assert.equal(sizesOf(measure, FIRST).zeroBytes, 2 * CHUNK);
    assert.equal(sizesOf(measure, FIRST).missingChunks, 0);
  });

  void test('`measureStore` counts chunks that have no file', async (t) => {
    const store = await makeStore(t);
    await fill(store);
    rmSync(fileOf(store.place, 'z'));
    rmSync(store.place.table, { recursive: true });
    const { missingChunks, missingBytes } = sizesOf(await measured(store.place), THIRD);
    assert.deepEqual(
      { missingChunks, missingBytes },
      { missingChunks: 2, missingBytes: 2 * CHUNK },
    );
  });

  void test('`measureStore` does not miss the file of a zero chunk', async (t) => {
    const store = await makeStore(t);
    await fill(store);
    rmSync(fileOf(store.place, '.'));
    rmSync(store.place.table, { recursive: true });
    const measure = await measured(store.place);
    assert.ok(measure.isWhole);
    assert.equal(sizesOf(measure, FIRST).missingChunks, 0);
    assert.equal(sizesOf(measure, FIRST).storedBytes, packed(store.place, 'sx'));
  });

  void test('`measureStore` finds chunks that were set aside to be there', async (t) => {
    const store = await makeStore(t);
    await fill(store);
    setAside(store.place, 'z');
    rmSync(store.place.table, { recursive: true });
    const measure = await measured(store.place);
    assert.ok(measure.isWhole);
    assert.equal(sizesOf(measure, THIRD).missingChunks, 0);
  });

  void test('`measureStore` measures the others when an index is broken', async (t) => {
    const store = await makeStore(t);
    await fill(store);
    const [broken] = readCatalogue(store.place).runs[0]?.snapshots ?? [];
    assert.ok(broken);
    writeFileSync(broken.indexPath, 'no index');
    const { sizes } = await measured(store.place);
    assert.deepEqual([...sizes.snapshots.keys()], [SECOND, THIRD]);
    assert.match(sizes.failures.get(FIRST) ?? '', /^Cannot use index .*disk\.img\.caibx/);
  });

  void test('`measureStore` writes nothing but the table', async (t) => {
    const store = await makeStore(t);
    await fill(store);
    rmSync(store.place.table, { recursive: true });
    const files = () =>
      readdirSync(store.place.directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.parentPath !== store.place.table)
        .map(({ parentPath, name }) => join(parentPath, name))
        .map((path) => [path, statSync(path).mtimeMs, statSync(path).ino]);
    const before = files();
    assert.ok(before.length > 0);
    await measured(store.place);
    assert.deepEqual(files(), before);
  });
});

void test('`measureSnapshots` stops when it is told to', async (t) => {
  const store = await makeStore(t);
  await fill(store);
  const snapshots = readCatalogue(store.place).runs.flatMap((run) => run.snapshots);
  await assert.rejects(
    measureSnapshots(snapshots, {
      chunks: { ordinals: 0, find: () => undefined },
      signal: AbortSignal.abort(),
    }),
    { code: 'cancelled' },
  );
});

void test('`measureSnapshots` refuses more chunks than it can keep track of', async () => {
  const chunks = { ordinals: 2 ** 40, find: () => undefined };
  await assert.rejects(measureSnapshots([], { chunks }), { code: 'no-room' });
});

void suite('storeStatistics', () => {
  void test('`storeStatistics` divides the bytes of runs, and tells what nodes alone have', async (t) => {
    const store = await makeStore(t);
    await fill(store);
    const { place } = store;
    const found = await storeStatistics(place, readCatalogue(place));
    const shares = found.runs.map(({ zeroBytes, duplicateBytes, newBytes, storedBytes }) => [
      zeroBytes,
      duplicateBytes,
      newBytes,
      storedBytes,
    ]);
    assert.deepEqual(shares, [
      [3 * CHUNK, 2 * CHUNK, 3 * CHUNK, packed(place, 'sxy.')],
      [CHUNK, 3 * CHUNK, CHUNK, packed(place, 'z')],
    ]);
    assert.equal(found.totals.logicalBytes, 13 * CHUNK);
    const nodes = found.nodes.map(({ node, snapshots, dataBytes, uniqueBytes }) => [
      node,
      snapshots,
      dataBytes,
      uniqueBytes,
    ]);
    assert.deepEqual(nodes, [
      ['a', 1, 2 * CHUNK, packed(place, 'x')],
      ['b', 2, 7 * CHUNK, packed(place, 'yz')],
    ]);
    assert.deepEqual(found.unused, { chunks: 0, bytes: 0 });
  });

  void test('`storeStatistics` tells what nobody uses when a snapshot is gone', async (t) => {
    const store = await makeStore(t);
    await fill(store);
    const { place } = store;
    const catalogue = readCatalogue(place);
    const kept = { ...catalogue, runs: catalogue.runs.slice(0, 1) };
    const found = await storeStatistics(place, kept);
    assert.deepEqual(found.unused, { chunks: 1, bytes: packed(place, 'z') });
  });

  void test('`storeStatistics` tells what is missing, and what was set aside', async (t) => {
    const store = await makeStore(t);
    await fill(store);
    const { place } = store;
    const catalogue = readCatalogue(place);
    const bytes = packed(place, 'x');
    setAside(place, 'x');
    writeFileSync(join(place.trash, '20260103T000000Z-aaaaaa', 'stray'), 'stray');
    rmSync(fileOf(place, 'z'));
    rmSync(place.table, { recursive: true });
    const found = await storeStatistics(place, catalogue);
    assert.deepEqual(found.setAside, { chunks: 1, bytes });
    assert.equal(found.missingChunks, 2);
    const { logicalBytes, zeroBytes, missingBytes, duplicateBytes, newBytes } = found.totals;
    assert.equal(missingBytes, 2 * CHUNK);
    assert.equal(zeroBytes + missingBytes + (duplicateBytes ?? 0) + (newBytes ?? 0), logicalBytes);
    assert.equal(newBytes, 2 * CHUNK);
  });

  void test('`storeStatistics` says that it does not know when there is no table', async (t) => {
    const store = await makeStore(t);
    await fill(store);
    rmSync(store.place.table, { recursive: true });
    writeFileSync(store.place.table, 'in the way');
    const { totals, used, unused, nodes } = await storeStatistics(
      store.place,
      readCatalogue(store.place),
    );
    const { duplicateBytes, newBytes, storedBytes, zeroBytes } = totals;
    assert.deepEqual([duplicateBytes, newBytes, storedBytes, used, unused], Array(5).fill(null));
    assert.deepEqual([zeroBytes, nodes[0]?.uniqueBytes], [4 * CHUNK, null]);
  });
});
