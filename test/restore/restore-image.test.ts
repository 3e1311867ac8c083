import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { openBlobIndex } from '../../src/content/blob-index.ts';
import { partPathOf } from '../../src/content/part-file.ts';
import { indexPathOf } from '../../src/content/seed-file.ts';
import {
  type Restored,
  restoreImage,
  type RestoreOptions,
} from '../../src/restore/restore-image.ts';
import { CHUNK, drawImage, temporaryDirectory } from '../content/fixtures.ts';
import {
  cutBy,
  cutFixed,
  type CutImage,
  type MemoryChunks,
  memoryChunks,
  writeCutIndex,
} from './fixtures.ts';

const TITLE = 'snapshot R/n/disk.img';
const forever = new AbortController().signal;

function setUp(t: TestContext) {
  const directory = temporaryDirectory(t);
  return { directory, path: join(directory, 'out', 'disk.img') };
}

/** Restores a cut image to `path`. */
async function restore(
  site: { readonly directory: string; readonly path: string },
  cut: CutImage,
  options: Partial<RestoreOptions> & { readonly chunks: MemoryChunks },
): Promise<Restored> {
  const indexPath = join(site.directory, 'wanted.caibx');
  writeCutIndex(indexPath, cut);
  const index = await openBlobIndex(indexPath);
  try {
    const { path } = site;
    return await restoreImage({
      index,
      path,
      title: TITLE,
      force: false,
      seeds: [],
      signal: forever,
      ...options,
    });
  } finally {
    index.close();
  }
}

/** Names in the directory of the restored file. */
function namesBeside(path: string): string[] {
  return readdirSync(join(path, '..')).toSorted();
}

const letters = fc.string({ unit: fc.constantFrom('.', 'a', 'b', 'c', 'd'), maxLength: 40 });
const images = fc
  .tuple(letters, fc.integer({ min: 1, max: CHUNK }))
  .map(([drawn, last]) => (drawn === '' ? Buffer.alloc(0) : drawImage(drawn, last)));
const cuts = fc.oneof(
  fc
    .tuple(images, fc.constantFrom(4096, 8192, 65_536))
    .map(([image, bytes]) => cutFixed(image, bytes)),
  fc
    .tuple(
      images,
      fc.array(fc.integer({ min: 100, max: 20_000 }), { minLength: 1, maxLength: 5 }),
      fc.constantFrom('sha256' as const, 'sha512-256' as const),
    )
    .map(([image, lengths, algorithm]) => cutBy(image, lengths, algorithm)),
);

void test('`restoreImage` makes any image, whatever lay there before, and nothing else', async (t) => {
  const site = setUp(t);
  await fc.assert(
    fc.asyncProperty(cuts, fc.option(images), fc.option(cuts), async (cut, left, old) => {
      const path = join(site.directory, 'out', 'disk.img');
      mkdirSync(join(path, '..'), { recursive: true });
      if (left !== null) writeFileSync(partPathOf(path), left);
      if (old !== null) {
        writeFileSync(path, old.image);
        writeCutIndex(indexPathOf(path), old);
      }
      const restored = await restore(site, cut, { chunks: memoryChunks(cut), force: true });
      assert.ok(readFileSync(path).equals(cut.image));
      assert.equal(restored.sizeBytes, cut.image.length);
      assert.deepEqual(namesBeside(path), ['disk.img']);
    }),
    { numRuns: 30 },
  );
});

void test('`restoreImage` makes a file as sparse as it can be', async (t) => {
  const site = setUp(t);
  const image = drawImage(`a${'.'.repeat(300)}b.c${'.'.repeat(33)}`, 99);
  const cut = cutFixed(image, 8 * CHUNK);
  const restored = await restore(site, cut, { chunks: memoryChunks(cut) });
  assert.ok(readFileSync(site.path).equals(image));
  const { blocks, size } = statSync(site.path);
  assert.equal(size, image.length);
  // Room for a file system that notes many extents in a block of their own.
  assert.ok(blocks * 512 <= 4 * CHUNK, `${blocks} blocks`);
  assert.deepEqual(restored, { sizeBytes: size, writtenBytes: 16 * CHUNK, seededBytes: 0 });
});

void test('`restoreImage` makes an image of zeros without reading a chunk', async (t) => {
  const site = setUp(t);
  const cut = cutFixed(drawImage('....', 10), 2 * CHUNK);
  const chunks = memoryChunks();
  await restore(site, cut, { chunks });
  assert.ok(readFileSync(site.path).equals(cut.image));
  assert.equal(statSync(site.path).blocks, 0);
});

void test('`restoreImage` reads only what is missing when it was stopped at any chunk', async (t) => {
  const cut = cutFixed(drawImage('ab.cdefgh..ijklmnopqrs'.repeat(3), 7), CHUNK);
  for (const place of [0, 1, 2, 7, 20]) {
    const site = { ...setUp(t) };
    const controller = new AbortController();
    const first = memoryChunks(cut);
    first.onRead = () => {
      if (first.reads.length >= place) controller.abort();
    };
    const stopped = restore(site, cut, { chunks: first, signal: controller.signal });
    await assert.rejects(stopped, { code: 'cancelled' });
    assert.equal(existsSync(site.path), false);
    const second = memoryChunks(cut);
    const restored = await restore(site, cut, { chunks: second });
    assert.ok(readFileSync(site.path).equals(cut.image));
    const dataChunks = cut.pieces.filter((piece) => piece.some((byte) => byte !== 0)).length;
    assert.ok(first.reads.length >= place, `${first.reads.length} reads`);
    assert.equal(second.reads.length, dataChunks - first.reads.length);
    assert.equal(restored.writtenBytes + restored.seededBytes, (dataChunks - 1) * CHUNK + 7);
  }
});

void test('`restoreImage` names the bytes that cannot be read and keeps the part', async (t) => {
  const site = setUp(t);
  const cut = cutFixed(drawImage('abcd', 50), CHUNK);
  const chunks = memoryChunks(cut);
  chunks.damage(drawImage('c'));
  await assert.rejects(restore(site, cut, { chunks }), (error: Error) => {
    assert.match(error.message, /bytes 8192 to 12287 of snapshot R\/n\/disk.img/);
    assert.match(error.message, /chunk [0-9a-f]{64}.*verify --repair-from/);
    return 'code' in error && error.code === 'corrupt';
  });
  assert.deepEqual(namesBeside(site.path), ['.disk.img.kgetplus-part']);
  const whole = memoryChunks(cut);
  await restore(site, cut, { chunks: whole });
  assert.ok(whole.reads.length < 4);
  assert.ok(readFileSync(site.path).equals(cut.image));
});

void test('`restoreImage` takes chunks from seeds, with and without an index', async (t) => {
  const site = setUp(t);
  const cut = cutFixed(drawImage('abcdef', 50), CHUNK);
  const indexed = join(site.directory, 'indexed');
  const moved = cutFixed(drawImage('xba'), CHUNK);
  writeFileSync(indexed, moved.image);
  writeCutIndex(indexPathOf(indexed), moved);
  const plain = join(site.directory, 'plain');
  writeFileSync(plain, drawImage('..c'));
  const chunks = memoryChunks(cut);
  const restored = await restore(site, cut, { chunks, seeds: [indexed, plain] });
  assert.ok(readFileSync(site.path).equals(cut.image));
  assert.equal(chunks.reads.length, 3);
  const sizeBytes = cut.image.length;
  assert.deepEqual(restored, { sizeBytes, writtenBytes: 2 * CHUNK + 50, seededBytes: 3 * CHUNK });
});

void test('`restoreImage` takes no harm from seeds that lie', async (t) => {
  const site = setUp(t);
  const cut = cutFixed(drawImage('abcdef', 50), CHUNK);
  const liar = join(site.directory, 'liar');
  writeFileSync(liar, drawImage('xxxxxx', 50));
  writeCutIndex(indexPathOf(liar), cut);
  const short = join(site.directory, 'short');
  writeFileSync(short, drawImage('a'));
  writeCutIndex(indexPathOf(short), cut);
  truncateSync(short, 100);
  const broken = join(site.directory, 'broken');
  writeFileSync(broken, drawImage('.b'));
  writeFileSync(indexPathOf(broken), 'no index');
  const chunks = memoryChunks(cut);
  const restored = await restore(site, cut, { chunks, seeds: [liar, short, broken] });
  assert.ok(readFileSync(site.path).equals(cut.image));
  assert.equal(restored.seededBytes, CHUNK);
});

void test('`restoreImage` refuses a seed that cannot be read, before it makes anything', async (t) => {
  const site = setUp(t);
  const cut = cutFixed(drawImage('a'), CHUNK);
  for (const seed of [join(site.directory, 'none'), site.directory]) {
    const restoring = restore(site, cut, { chunks: memoryChunks(cut), seeds: [seed] });
    await assert.rejects(restoring, { code: 'usage' });
    assert.deepEqual(namesBeside(site.path), []);
  }
});

void test('`restoreImage` replaces a file with `force` alone, and only a file', async (t) => {
  const site = setUp(t);
  mkdirSync(join(site.path, '..'));
  const old = cutFixed(drawImage('aby'), CHUNK);
  writeFileSync(site.path, old.image);
  const cut = cutFixed(drawImage('abc'), CHUNK);
  const chunks = memoryChunks(cut);
  await assert.rejects(restore(site, cut, { chunks }), /--force/);
  assert.ok(readFileSync(site.path).equals(old.image));
  assert.deepEqual(chunks.reads, []);
  await restore(site, cut, { chunks, force: true });
  assert.ok(readFileSync(site.path).equals(cut.image));
  assert.equal(chunks.reads.length, 1, 'the older file was a seed');
  const link = join(site.directory, 'link');
  symlinkSync(site.path, link);
  const through = restore({ ...site, path: link }, cut, { chunks, force: true });
  await assert.rejects(through, /something else than a regular file/);
});

void test('`restoreImage` leaves no index that is of another file', async (t) => {
  const site = setUp(t);
  mkdirSync(join(site.path, '..'));
  const old = cutFixed(drawImage('xyz'), CHUNK);
  writeFileSync(site.path, old.image);
  writeCutIndex(indexPathOf(site.path), old);
  const cut = cutFixed(drawImage('abc'), CHUNK);
  await restore(site, cut, { chunks: memoryChunks(cut), force: true });
  assert.deepEqual(namesBeside(site.path), ['disk.img']);
});

void test('`restoreImage` refuses to make one file twice at a time', async (t) => {
  const site = setUp(t);
  const cut = cutFixed(drawImage('abc'), CHUNK);
  const chunks = memoryChunks(cut);
  let second: Promise<unknown> | undefined;
  chunks.onRead = () => {
    second ??= assert.rejects(restore(site, cut, { chunks }), { code: 'locked' });
  };
  await restore(site, cut, { chunks });
  assert.ok(second !== undefined);
  await second;
});
