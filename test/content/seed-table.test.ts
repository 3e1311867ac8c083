import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { digestOf } from '../../src/content/digest.ts';
import { createDigestMap } from '../../src/content/digest-map.ts';
import { createOpenFiles } from '../../src/content/open-files.ts';
import { addSeedFile, indexPathOf } from '../../src/content/seed-file.ts';
import { createSeedTable } from '../../src/content/seed-table.ts';
import { CHUNK, chunkOf, drawImage, shapeOf, temporaryDirectory, writeIndex } from './fixtures.ts';

const IMAGE = drawImage('ab.c', 500);
const buffer = Buffer.alloc(CHUNK);

function setUp(t: TestContext) {
  const directory = temporaryDirectory(t);
  const files = createOpenFiles(2);
  t.after(() => files.close());
  return { directory, path: join(directory, 'seed'), seeds: createSeedTable(files) };
}

async function seedFile(t: TestContext) {
  const context = setUp(t);
  writeFileSync(context.path, IMAGE);
  await writeIndex(indexPathOf(context.path), IMAGE);
  assert.equal(await addSeedFile(context.seeds, context.path), undefined);
  return context;
}

void test('`read` gives chunks of an indexed file, the short last one too', async (t) => {
  const { seeds } = await seedFile(t);
  for (const position of [0, 1, 3]) {
    const chunk = chunkOf(IMAGE, position);
    assert.ok(seeds.find(digestOf(chunk)));
    assert.ok(seeds.read(digestOf(chunk), chunk.length, buffer));
    assert.ok(buffer.subarray(0, chunk.length).equals(chunk));
  }
});

void test('`find` knows no zero chunk', async (t) => {
  const { seeds } = await seedFile(t);
  assert.equal(seeds.find(digestOf(chunkOf(IMAGE, 2))), false);
});

void test('`read` finds nothing when the length is another', async (t) => {
  const { seeds } = await seedFile(t);
  assert.equal(seeds.read(digestOf(chunkOf(IMAGE, 3)), CHUNK, buffer), false);
});

for (const [what, spoil] of [
  ['has changed', (path: string) => writeFileSync(path, drawImage('xyz'))],
  ['is shorter', (path: string) => writeFileSync(path, '')],
  ['is gone', (path: string) => rmSync(path)],
] as const) {
  void test(`\`read\` finds nothing when the seed ${what}`, async (t) => {
    const { seeds, path } = await seedFile(t);
    spoil(path);
    assert.equal(seeds.read(digestOf(chunkOf(IMAGE, 1)), CHUNK, buffer), false);
  });
}

void test('`renameFile` keeps the chunks under the new name, not those it replaced', (t) => {
  const { seeds, directory, path } = setUp(t);
  const other = join(directory, 'other');
  writeFileSync(path, chunkOf(IMAGE, 0));
  writeFileSync(other, chunkOf(IMAGE, 1));
  for (const [name, position] of [
    [path, 0],
    [other, 1],
  ] as const) {
    const chunk = chunkOf(IMAGE, position);
    seeds.addFile(name, shapeOf(chunk)).add(0, digestOf(chunk));
  }
  renameSync(other, path);
  seeds.renameFile(other, path);
  assert.equal(seeds.find(digestOf(chunkOf(IMAGE, 0))), false);
  assert.ok(seeds.read(digestOf(chunkOf(IMAGE, 1)), CHUNK, buffer));
});

void test('`forgetFile` and a new `addFile` make its chunks unknown', async (t) => {
  const { seeds, path } = await seedFile(t);
  seeds.addFile(path, shapeOf(IMAGE));
  assert.equal(seeds.find(digestOf(chunkOf(IMAGE, 0))), false);
  seeds.addFile(path, shapeOf(IMAGE)).add(0, digestOf(chunkOf(IMAGE, 0)));
  seeds.forgetFile(path);
  assert.equal(seeds.find(digestOf(chunkOf(IMAGE, 0))), false);
});

void test('`addSeedFile` refuses a hostile index and one for another size', async (t) => {
  const { seeds, path } = setUp(t);
  writeFileSync(path, IMAGE);
  await writeIndex(indexPathOf(path), drawImage('ab'));
  assert.match(String(await addSeedFile(seeds, path)), /found 12788 B, its index wants 8192 B/);
  writeFileSync(indexPathOf(path), Buffer.alloc(1000, 0xff));
  assert.equal((await addSeedFile(seeds, path))?.code, 'corrupt');
  assert.equal(seeds.find(digestOf(chunkOf(IMAGE, 0))), false);
});

void test('`createDigestMap` answers with the latest place of a live file or not at all', () => {
  const fields = { file: fc.integer({ min: 1, max: 3 }), position: fc.nat() };
  const place = fc.record(fields, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5000), place), { maxLength: 4000 }), (puts) => {
      const map = createDigestMap({ maxSlots: 4096, isLive: (file) => file !== 3 });
      const latest = new Map<number, { file: number; position: number }>();
      for (const [key, value] of puts) {
        map.put(digestOf(Buffer.from(String(key))), value);
        latest.set(key, value);
      }
      for (const [key, wanted] of latest) {
        const found = map.get(digestOf(Buffer.from(String(key))));
        if (found !== undefined) assert.deepEqual(found, wanted);
        else assert.ok(wanted.file === 3 || latest.size > 1000);
      }
    }),
    { numRuns: 20 },
  );
});

void test('`createDigestMap` stays within its slots and keeps most entries when it is full', () => {
  const map = createDigestMap({ maxSlots: 1024, isLive: () => true });
  const digests = Array.from({ length: 5000 }, (_, key) => digestOf(Buffer.from(String(key))));
  for (const [position, digest] of digests.entries()) map.put(digest, { file: 1, position });
  const kept = digests.filter((digest) => map.get(digest) !== undefined);
  assert.ok(kept.length > 900 && kept.length <= 1024, `${kept.length} kept`);
  const recent = digests.slice(-300).filter((digest) => map.get(digest) !== undefined);
  assert.ok(recent.length > 200, `${recent.length} of the last 300 kept`);
});

void test('`descriptor` keeps the most recently used files open', (t) => {
  const directory = temporaryDirectory(t);
  const files = createOpenFiles(2);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [a, b, c]) writeFileSync(path, path);
  const first = files.descriptor(a);
  files.descriptor(b);
  assert.equal(files.descriptor(a), first);
  files.descriptor(c);
  rmSync(b);
  assert.equal(files.descriptor(a), first);
  assert.throws(() => files.descriptor(b), { code: 'ENOENT' });
  files.close();
});
