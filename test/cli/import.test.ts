import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as zlib from 'node:zlib';
import { readCatalogue } from '../../src/catalogue/catalogue.ts';
import { addImport } from '../../src/cli/import.ts';
import { addRestore } from '../../src/cli/restore.ts';
import { chunkFileOf } from '../../src/content/chunk-name.ts';
import { digestBy } from '../../src/content/digest-algorithm.ts';
import { storePlace } from '../../src/store/store-place.ts';
import { drawImage, temporaryDirectory } from '../content/fixtures.ts';
import { runCommand } from '../restore/command.ts';
import { cutBy, type CutImage, writeCutIndex } from '../restore/fixtures.ts';

function setUp(t: TestContext) {
  const root = temporaryDirectory(t);
  const store = join(root, 'store');
  const importFiles = (words: readonly string[], interrupt?: AbortSignal) =>
    runCommand(addImport, ['import', '--store', store, ...words], interrupt);
  async function restored(selector: string): Promise<Buffer> {
    const path = join(root, 'restored');
    rmSync(path, { force: true });
    const words = ['restore', selector, '--store', store, '--to', path];
    const { exitCode, stderr } = await runCommand(addRestore, words);
    assert.equal(exitCode, 0, stderr);
    return readFileSync(path);
  }
  return { root, store, place: storePlace(store), importFiles, restored };
}

/** Another store's directory, and an index beside it. */
function foreignStore(
  root: string,
  cut: CutImage,
  pack: (bytes: Buffer) => Buffer = (bytes) => zlib.zstdCompressSync(bytes),
) {
  const from = join(root, 'old.castr');
  for (const piece of cut.pieces) {
    const file = chunkFileOf(from, digestBy(cut.algorithm, piece));
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, pack(piece));
  }
  const index = join(root, 'disk.img.caibx');
  writeCutIndex(index, cut);
  return { from, index };
}

void test('`import` makes a store of image files that restore as they were', async (t) => {
  const { root, place, importFiles, restored } = setUp(t);
  const images = {
    'a.img': drawImage(`x${'.'.repeat(40)}yzx`, 77),
    'b.qcow2': randomBytes(300_000),
    empty: Buffer.alloc(0),
    zeros: Buffer.alloc(200_000),
  };
  const paths = Object.entries(images).map(([name, image]) => {
    writeFileSync(join(root, name), image);
    return join(root, name);
  });
  const words = [...paths, '--node', 'n1', '--tag', 'golden', '--chunk-size', '4KiB'];
  const { exitCode, stdout, stderr } = await importFiles(words);
  assert.equal(exitCode, 0, stderr);
  assert.equal(stdout.trim().split('\n').length, 4);
  const [run] = readCatalogue(place).runs;
  assert.match(run?.id ?? '', /^\d{8}T\d{6}Z-[0-9a-f]{6}$/);
  assert.deepEqual(run?.manifest?.tags, ['golden']);
  assert.deepEqual(run?.manifest?.missing, []);
  assert.equal(typeof run?.manifest?.endedAt, 'string');
  assert.deepEqual(
    run?.manifest?.images.map(({ name, sizeBytes }) => [name, sizeBytes]),
    Object.entries(images).map(([name, image]) => [name, image.length]),
  );
  for (const [name, image] of Object.entries(images)) {
    assert.ok((await restored(`latest/n1/${name}`)).equals(image), name);
  }
});

void test('`import` stores a chunk once, whatever it is imported with', async (t) => {
  const { root, place, importFiles } = setUp(t);
  const file = join(root, 'a.img');
  writeFileSync(file, drawImage('abab.a'));
  await importFiles([file, '--chunk-size', '4096']);
  const chunks = globSync('*/*.cacnk', { cwd: place.chunks });
  assert.equal(chunks.length, 3);
  await importFiles([file, '--chunk-size', '4096']);
  assert.deepEqual(globSync('*/*.cacnk', { cwd: place.chunks }), chunks);
  assert.equal(readCatalogue(place).runs.length, 2);
});

void test('`import` goes on when one file cannot be read, and says what is missing', async (t) => {
  const { root, place, importFiles } = setUp(t);
  const good = join(root, 'good.img');
  writeFileSync(good, 'x');
  const { exitCode, stderr } = await importFiles([join(root, 'none.img'), good, root]);
  assert.equal(exitCode, 3);
  assert.match(stderr, /Cannot import .*none.img: ENOENT/);
  const [run] = readCatalogue(place).runs;
  assert.deepEqual(
    run?.snapshots.map(({ name }) => name),
    ['good.img'],
  );
  assert.deepEqual(
    run?.manifest?.missing.map(({ path }) => basename(path ?? '')),
    ['none.img', basename(root)],
  );
});

void test('`import` leaves no run when nothing was imported', async (t) => {
  const { root, place, importFiles } = setUp(t);
  assert.equal((await importFiles([join(root, 'none.img')])).exitCode, 4);
  writeFileSync(join(root, 'a'), 'x');
  const interrupted = await importFiles([join(root, 'a')], AbortSignal.abort());
  assert.equal(interrupted.exitCode, 130);
  assert.deepEqual(readCatalogue(place).runs, []);
});

void test('`import` refuses names that are none in a store', async (t) => {
  const { root, store, importFiles } = setUp(t);
  writeFileSync(join(root, '.hidden'), 'x');
  mkdirSync(join(root, 'sub'));
  for (const path of ['a', 'sub/a']) writeFileSync(join(root, path), 'x');
  const wrong = [
    [join(root, '.hidden')],
    [join(root, 'a'), '--node', '../x'],
    [join(root, 'a'), '--node', ''],
    [join(root, 'a'), join(root, 'sub/a')],
    [join(root, 'a'), '--chunk-size', '100K'],
  ];
  for (const words of wrong) {
    assert.notEqual((await importFiles(words)).exitCode, 0, words.join(' '));
    assert.equal(existsSync(store), false);
  }
});

void test('`import --from` takes over what casync or desync cut, under its names', async (t) => {
  const image = Buffer.concat([randomBytes(50_000), Buffer.alloc(60_000), randomBytes(9)]);
  const packs = [zlib.zstdCompressSync, zlib.gzipSync] as const;
  for (const algorithm of ['sha256', 'sha512-256'] as const) {
    for (const pack of packs) {
      const { root, place, importFiles, restored } = setUp(t);
      const cut = cutBy(image, [5000, 12_000, 9000], algorithm);
      const { from, index } = foreignStore(root, cut, pack);
      const { exitCode, stderr } = await importFiles(['--from', from, index, '--node', 'n1']);
      assert.equal(exitCode, 0, stderr);
      assert.ok((await restored('latest/n1/disk.img')).equals(image));
      const [run] = readCatalogue(place).runs;
      const copied = readFileSync(run?.snapshots[0]?.indexPath ?? '');
      assert.ok(copied.equals(readFileSync(index)));
      assert.equal(
        globSync('*/*.cacnk', { cwd: place.chunks }).length,
        globSync('*/*.cacnk', { cwd: from }).length,
      );
    }
  }
});

void test('`import --from` exits with 5 for a damaged chunk and brings no snapshot', async (t) => {
  const { root, place, importFiles } = setUp(t);
  const cut = cutBy(randomBytes(30_000), [10_000], 'sha256');
  const { from, index } = foreignStore(root, cut);
  const [piece = Buffer.alloc(0)] = cut.pieces.slice(1);
  const file = chunkFileOf(from, digestBy('sha256', piece));
  writeFileSync(file, zlib.zstdCompressSync(Buffer.alloc(10_000, 'other')));
  const damaged = await importFiles(['--from', from, index]);
  assert.equal(damaged.exitCode, 5, damaged.stderr);
  rmSync(file);
  const missing = await importFiles(['--from', from, index]);
  assert.equal(missing.exitCode, 5);
  assert.match(missing.stderr, /it is missing/);
  assert.deepEqual(readCatalogue(place).runs, []);
});

const CASYNC = 'casync';
const casyncMissing =
  spawnSync(CASYNC, ['--version']).error === undefined ? false : 'casync is not installed';

void test("`import --from` takes over casync's own store", { skip: casyncMissing }, async (t) => {
  const { root, importFiles, restored } = setUp(t);
  const image = Buffer.concat([
    randomBytes(400_000),
    Buffer.alloc(1_000_000),
    randomBytes(300_001),
  ]);
  const file = join(root, 'disk.img');
  writeFileSync(file, image);
  const [from, index] = [join(root, 'default.castr'), join(root, 'disk.img.caibx')];
  const words = ['make', `--store=${from}`, '--compression=zstd', index, file];
  const made = spawnSync(CASYNC, words, { encoding: 'utf8', timeout: 30_000 });
  assert.equal(made.status, 0, made.stderr);
  const { exitCode, stderr } = await importFiles(['--from', from, index, '--node', 'n1']);
  assert.equal(exitCode, 0, stderr);
  assert.ok((await restored('latest/n1/disk.img')).equals(image));
});
