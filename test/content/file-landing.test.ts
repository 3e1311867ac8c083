import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { digestOf } from '../../src/content/digest.ts';
import type { ChunkRun } from '../../src/content/image.ts';
import { openIndex } from '../../src/content/index-reader.ts';
import { openFileLanding } from '../../src/content/file-landing.ts';
import type { ImageLanding } from '../../src/content/landing.ts';
import { createOpenFiles } from '../../src/content/open-files.ts';
import { partPathOf } from '../../src/content/part-file.ts';
import { addSeedFile, indexPathOf } from '../../src/content/seed-file.ts';
import { createSeedTable, type SeedTable } from '../../src/content/seed-table.ts';
import {
  CHUNK,
  chunkOf,
  digestsOf,
  drawImage,
  shapeOf,
  temporaryDirectory,
  writeIndex,
} from './fixtures.ts';

const TITLE = 'image "disk.img" from node07';

function setUp(t: TestContext) {
  const directory = temporaryDirectory(t);
  const files = createOpenFiles();
  t.after(() => files.close());
  const path = join(directory, 'node07', 'disk.img');
  return { directory, path, seeds: createSeedTable(files) };
}

function open(
  target: { readonly path: string; readonly seeds: SeedTable },
  image: Buffer,
  neededBytes?: number,
): Promise<ImageLanding> {
  const { path, seeds } = target;
  const room = neededBytes === undefined ? {} : { neededBytes };
  return openFileLanding({ path, seeds, shape: shapeOf(image), title: TITLE, ...room });
}

/** Settles and brings everything; returns the positions that had to be fetched. */
async function bring(landing: ImageLanding, image: Buffer, batch = 4): Promise<number[]> {
  const digests = digestsOf(image);
  const fetched: number[] = [];
  for (let first = 0; first * 32 < digests.length; first += batch) {
    const runs = await landing.settle(first, digests.subarray(first * 32, (first + batch) * 32));
    for (const position of positionsOf(runs)) {
      landing.write(position, { bytes: chunkOf(image, position) });
      fetched.push(position);
    }
  }
  return fetched;
}

function positionsOf(runs: readonly ChunkRun[]): number[] {
  return runs.flatMap(({ first, count }) => Array.from({ length: count }, (_, n) => first + n));
}

async function assertLanded(path: string, image: Buffer): Promise<void> {
  assert.ok(readFileSync(path).equals(image));
  const index = await openIndex(indexPathOf(path));
  assert.deepEqual(index.shape, shapeOf(image));
  assert.deepEqual(index.read(0, index.chunkCount), digestsOf(image));
  index.close();
}

void test('a landing makes the same image, as sparse, with an index, as a seed', async (t) => {
  const target = setUp(t);
  const image = drawImage(`a${'.'.repeat(200)}bcb..d`, 123);
  const landing = await open(target, image, 5 * CHUNK);
  assert.deepEqual(await bring(landing, image), [0, 201, 202, 206]);
  assert.equal(landing.doneBytes(), image.length);
  const landed = await landing.finish();
  assert.deepEqual(landed, {
    dataBytes: 4 * CHUNK + 123,
    imageDigest: digestOf(digestsOf(image)).toString('hex'),
  });
  await assertLanded(target.path, image);
  assert.ok(statSync(target.path).blocks * 512 <= 6 * CHUNK);
  assert.deepEqual(readdirSync(join(target.directory, 'node07')), ['disk.img', 'disk.img.caibx']);
  assert.ok(target.seeds.read(digestOf(chunkOf(image, 201)), CHUNK, Buffer.alloc(CHUNK)));
});

void test('a landing makes any image, whatever lay there before', async (t) => {
  const letters = fc.string({ unit: fc.constantFrom('.', 'a', 'b', 'c'), maxLength: 40 });
  const image = fc.tuple(letters, fc.integer({ min: 1, max: CHUNK }));
  const target = setUp(t);
  await fc.assert(
    fc.asyncProperty(
      image,
      image,
      fc.integer({ min: 1, max: 9 }),
      async ([left, leftBytes], [drawn, bytes], batch) => {
        const old = drawn === '' ? Buffer.alloc(0) : drawImage(left, left === '' ? 0 : leftBytes);
        mkdirSync(join(target.directory, 'node07'), { recursive: true });
        writeFileSync(partPathOf(target.path), old);
        const wanted = drawn === '' ? Buffer.alloc(0) : drawImage(drawn, bytes);
        const landing = await open(target, wanted);
        await bring(landing, wanted, batch);
        await landing.finish();
        await assertLanded(target.path, wanted);
      },
    ),
    { numRuns: 40 },
  );
});

void test('a landing fetches a digest once for all positions', async (t) => {
  const target = setUp(t);
  const image = drawImage('abaa.b');
  const landing = await open(target, image);
  const runs = await landing.settle(0, digestsOf(image));
  assert.deepEqual(runs, [{ first: 0, count: 2 }]);
  landing.write(0, { bytes: chunkOf(image, 0) });
  assert.equal(landing.doneBytes(), 4 * CHUNK);
  landing.write(1, { bytes: chunkOf(image, 1) });
  await landing.finish();
  await assertLanded(target.path, image);
});

void test('a landing fetches a short last chunk although it has the digest of a full one', async (t) => {
  // No image is like that, but a sender may say so: the file would become longer than its index says.
  const target = setUp(t);
  const image = drawImage('ab', 100);
  const landing = await open(target, image);
  const digest = digestOf(chunkOf(image, 0));
  const runs = await landing.settle(0, Buffer.concat([digest, digest]));
  assert.deepEqual(positionsOf(runs), [0, 1]);
  landing.write(0, { bytes: chunkOf(image, 0) });
  assert.throws(() => landing.write(1, { bytes: chunkOf(image, 1) }), { code: 'corrupt' });
  await landing.abandon({ keepPart: false });
});

void test('a landing takes chunks from seeds, also from the image that it replaces', async (t) => {
  const target = setUp(t);
  const old = drawImage('abcd');
  const first = await open(target, old);
  await bring(first, old);
  await first.finish();
  const image = drawImage('dxcba');
  const landing = await open(target, image);
  assert.deepEqual(await bring(landing, image), [1]);
  await assertLanded(target.path, old);
  await landing.finish();
  await assertLanded(target.path, image);
});

void test('a landing ignores a hostile index beside a seed', async (t) => {
  const target = setUp(t);
  const seed = join(target.directory, 'seed');
  writeFileSync(seed, drawImage('xy'));
  await writeIndex(indexPathOf(seed), drawImage('ab'));
  assert.equal(await addSeedFile(target.seeds, seed), undefined);
  const image = drawImage('ab');
  const landing = await open(target, image);
  assert.deepEqual(await bring(landing, image), [0, 1]);
  await landing.finish();
  await assertLanded(target.path, image);
});

void test('a landing resumes from the part that `abandon` kept', async (t) => {
  const target = setUp(t);
  const image = drawImage('ab.cd.ef', 77);
  const interrupted = await open(target, image);
  await interrupted.settle(0, digestsOf(image).subarray(0, 5 * 32));
  for (const position of [0, 1, 3])
    interrupted.write(position, { bytes: chunkOf(image, position) });
  await interrupted.abandon({ keepPart: true });
  await interrupted.abandon({ keepPart: true });
  assert.throws(() => interrupted.write(4, { bytes: chunkOf(image, 4) }), { code: 'cancelled' });
  // Another agent, later: it knows no seeds.
  const later = { path: target.path, seeds: setUp(t).seeds };
  const landing = await open(later, image, 6 * CHUNK);
  assert.deepEqual(await bring(landing, image), [4, 6, 7]);
  await landing.finish();
  await assertLanded(target.path, image);
});

void test('`abandon` leaves nothing when the part is not kept', async (t) => {
  const target = setUp(t);
  const image = drawImage('ab');
  const landing = await open(target, image);
  await landing.settle(0, digestsOf(image));
  landing.write(0, { bytes: chunkOf(image, 0) });
  await landing.abandon({ keepPart: false });
  assert.deepEqual(readdirSync(join(target.directory, 'node07')), []);
  assert.equal(target.seeds.find(digestOf(chunkOf(image, 0))), false);
  await assert.rejects(landing.finish(), { code: 'cancelled' });
});

void test('`abandon` ends a `settle` that is under way, and waits for a `finish`', async (t) => {
  const target = setUp(t);
  const image = drawImage('abcd'.repeat(200));
  const landed = await open(target, image);
  await bring(landed, image);
  const finishing = landed.finish();
  await landed.abandon({ keepPart: false });
  await finishing;
  const landing = await open(target, image);
  const settling = assert.rejects(landing.settle(0, digestsOf(image)), { code: 'cancelled' });
  await landing.abandon({ keepPart: false });
  await settling;
  await assertLanded(target.path, image);
});

void test('`settle` lets others run while it copies from seeds', async (t) => {
  const target = setUp(t);
  const image = drawImage('abcd'.repeat(500));
  const first = await open(target, image);
  await bring(first, image);
  await first.finish();
  const again = await open(target, image);
  let turns = 0;
  const count = (): void => {
    turns += 1;
    counter = setImmediate(count);
  };
  let counter = setImmediate(count);
  assert.deepEqual(await again.settle(0, digestsOf(image)), []);
  clearImmediate(counter);
  assert.ok(turns >= 7, `${turns} turns`);
  await again.abandon({ keepPart: false });
});

void test('a landing stays a seed at every moment while `finish` names it', async (t) => {
  const directory = temporaryDirectory(t);
  // One open file: each look at the other image closes this one's.
  const files = createOpenFiles(1);
  t.after(() => files.close());
  const seeds = createSeedTable(files);
  const other = drawImage('xyz');
  const image = drawImage('abc');
  const before = await open({ path: join(directory, 'other.img'), seeds }, other);
  await bring(before, other);
  await before.finish();
  const landing = await open({ path: join(directory, 'disk.img'), seeds }, image);
  await bring(landing, image);
  const into = Buffer.alloc(CHUNK);
  const isSeed = (): boolean =>
    seeds.read(digestOf(chunkOf(other, 1)), CHUNK, into) &&
    seeds.read(digestOf(chunkOf(image, 1)), CHUNK, into);
  // What was brought is written in the background.
  while (!isSeed()) await new Promise(setImmediate);
  const looks: boolean[] = [];
  const look = (): void => {
    looks.push(isSeed());
    next = setImmediate(look);
  };
  let next = setImmediate(look);
  await landing.finish();
  clearImmediate(next);
  assert.ok(looks.length > 0 && !looks.includes(false), looks.join(' '));
});

void test('`write` throws `corrupt` for other bytes, and the chunk can still come', async (t) => {
  const target = setUp(t);
  const image = drawImage('ab');
  const landing = await open(target, image);
  await landing.settle(0, digestsOf(image));
  assert.throws(() => landing.write(0, { bytes: chunkOf(image, 1) }), { code: 'corrupt' });
  assert.throws(() => landing.write(0, { bytes: Buffer.alloc(5) }), { code: 'corrupt' });
  assert.equal(landing.doneBytes(), 0);
  landing.write(0, { bytes: chunkOf(image, 0) });
  assert.throws(() => landing.write(0, { bytes: chunkOf(image, 0) }), { code: 'protocol' });
  assert.throws(() => landing.write(7, { bytes: chunkOf(image, 0) }), { code: 'protocol' });
  await assert.rejects(landing.finish(), /Assertion failed: finished while 1 chunks/);
  assert.equal(existsSync(target.path), false);
  landing.write(1, { bytes: chunkOf(image, 1) });
  await landing.finish();
});

void test('`openFileLanding` throws `no-room` with what is needed and what is free', async (t) => {
  const target = setUp(t);
  await assert.rejects(open(target, drawImage('a'), 2 ** 60), (error: Error) => {
    assert.equal((error as { code?: string }).code, 'no-room');
    assert.match(error.message, /^Cannot store image "disk\.img" from node07: 1024 PiB needed, /);
    assert.match(error.message, / free on \//);
    return true;
  });
  assert.deepEqual(readdirSync(join(target.directory, 'node07')), []);
});

for (const [what, prepare] of [
  [
    'a file is in the place of its directory',
    (path: string) => writeFileSync(join(path, '..'), ''),
  ],
  [
    'its part is a link to elsewhere',
    (path: string) => {
      mkdirSync(join(path, '..'));
      symlinkSync('/dev/null', partPathOf(path));
    },
  ],
] as const) {
  void test(`\`openFileLanding\` throws \`target-unwritable\` when ${what}`, async (t) => {
    const target = setUp(t);
    prepare(target.path);
    await assert.rejects(open(target, drawImage('a')), { code: 'target-unwritable' });
  });
}

void test('`finish` throws `target-unwritable` when a directory has the final name', async (t) => {
  const target = setUp(t);
  mkdirSync(target.path, { recursive: true });
  const image = drawImage('a');
  const landing = await open(target, image);
  await bring(landing, image);
  await assert.rejects(landing.finish(), { code: 'target-unwritable' });
  await landing.abandon({ keepPart: false });
  assert.deepEqual(readdirSync(join(target.directory, 'node07')), ['disk.img']);
});
