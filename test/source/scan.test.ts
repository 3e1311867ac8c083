import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { digestOf } from '../../src/content/digest.ts';
import { growIndex } from '../../src/content/growing-index.ts';
import { openIndex } from '../../src/content/index-reader.ts';
import { createOpenFiles } from '../../src/content/open-files.ts';
import { createSeedTable } from '../../src/content/seed-table.ts';
import { fileImage } from '../../src/source/file-image.ts';
import { scanImage } from '../../src/source/scan.ts';
import { identify } from '../../src/source/source-file.ts';
import {
  CHUNK,
  chunkOf,
  digestsOf,
  drawImage,
  shapeOf,
  temporaryDirectory,
} from '../content/fixtures.ts';

const { signal } = new AbortController();

/** A file with `image`, sparse where it has zero chunks, and all that serves it. */
function serve(t: TestContext, image: Buffer) {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'disk.img');
  writeFileSync(path, '');
  for (let at = 0; at < image.length; at += CHUNK) {
    const chunk = image.subarray(at, at + CHUNK);
    truncateSync(path, at);
    if (chunk.some((byte) => byte !== 0)) appendFileSync(path, chunk);
  }
  truncateSync(path, image.length);
  const files = createOpenFiles();
  const indexPath = join(directory, 'disk.caibx');
  const index = growIndex({ path: indexPath, shape: shapeOf(image), files });
  t.after(() => {
    index.close();
    files.close();
  });
  const identity = identify(path);
  const seeds = createSeedTable(files);
  const served = fileImage({ identity, index, chunkSizeBytes: CHUNK, files });
  return { path, indexPath, index, identity, seeds, served, signal };
}

void test('`scanImage` finds every digest, and the seeds, of any image', async (t) => {
  const letters = fc.string({ unit: fc.constantFrom('.', '.', '.', 'a', 'b'), maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(letters, fc.integer({ min: 1, max: CHUNK }), async (drawn, lastBytes) => {
      const image = drawn === '' ? Buffer.alloc(0) : drawImage(drawn, lastBytes);
      const source = serve(t, image);
      const { imageDigest, dataBytes, sketch } = await scanImage(source);
      assert.equal(imageDigest, digestOf(digestsOf(image)).toString('hex'));
      const zeros = (drawn.slice(0, -1).split('.').length - 1) * CHUNK;
      const tail = drawn.endsWith('.') ? lastBytes : 0;
      assert.equal(dataBytes, image.length - zeros - tail);
      const chunks = drawn.split('').map((_, place) => chunkOf(image, place));
      const data = chunks.filter((chunk) => chunk.some((byte) => byte !== 0));
      const distinct = new Set(data.map((chunk) => digestOf(chunk).toString('hex')));
      assert.equal(sketch.chunks, distinct.size);
      assert.equal(sketch.hashes.length, distinct.size);
      const stored = await openIndex(source.indexPath);
      assert.deepEqual(stored.read(0, stored.chunkCount), digestsOf(image));
      stored.close();
      if (drawn.startsWith('a') && image.length >= CHUNK) {
        assert.ok(source.seeds.read(digestOf(chunkOf(image, 0)), CHUNK, Buffer.alloc(CHUNK)));
      }
    }),
    { numRuns: 25 },
  );
});

void test('`scanImage` tells its progress and leaves the event loop free', async (t) => {
  const image = drawImage('ab..'.repeat(300));
  const source = serve(t, image);
  const scanned: number[] = [];
  await scanImage({ ...source, onProgress: (progress) => scanned.push(progress.scannedBytes) });
  assert.ok(scanned.length >= 4, `${scanned.length} steps`);
  assert.equal(scanned.at(-1), image.length);
});

void test('a served image can be read while it is scanned, and after', async (t) => {
  const image = drawImage('ab.c', 50);
  const { served, ...source } = serve(t, image);
  const waiting = served.index.waitFor(3, signal);
  await scanImage(source);
  await waiting;
  const buffer = Buffer.alloc(image.length);
  served.read([buffer.subarray(0, 70), buffer.subarray(70)], 0);
  assert.ok(buffer.equals(image));
  served.confirmUnchanged();
  assert.throws(() => served.read([buffer.subarray(0, 100)], image.length - 50), {
    code: 'source-changed',
  });
});

for (const [what, change, found] of [
  ['grew', (path: string) => appendFileSync(path, 'x'), /found 4097 B, wanted 4096 B/],
  ['was written', (path: string) => writeFileSync(path, drawImage('b')), /found it written at/],
  [
    'was replaced',
    (path: string) => {
      writeFileSync(`${path}.new`, drawImage('a'));
      renameSync(`${path}.new`, path);
    },
    /found inode/,
  ],
  ['was removed', (path: string) => renameSync(path, `${path}.old`), /found no file/],
] as const) {
  void test(`\`confirmUnchanged\` throws \`source-changed\` when the file ${what}`, async (t) => {
    const { served, path, ...source } = serve(t, drawImage('a'));
    await scanImage(source);
    served.confirmUnchanged();
    change(path);
    assert.throws(() => served.confirmUnchanged(), { code: 'source-changed', message: found });
  });
}

void test('`scanImage` throws `source-changed`, also to who waits, on change', async (t) => {
  const source = serve(t, drawImage('ab'.repeat(400)));
  const waiting = assert.rejects(source.index.waitFor(799, signal), { code: 'source-changed' });
  const onProgress = (): void => truncateSync(source.path, 5000);
  await assert.rejects(scanImage({ ...source, onProgress }), { code: 'source-changed' });
  await waiting;
  assert.equal(source.seeds.find(digestOf(readFileSync(source.path).subarray(0, CHUNK))), false);
});

void test('`scanImage` throws `cancelled` when it is stopped', async (t) => {
  const source = serve(t, drawImage('ab'.repeat(400)));
  const stop = new AbortController();
  const options = { ...source, signal: stop.signal, onProgress: () => stop.abort() };
  await assert.rejects(scanImage(options), { code: 'cancelled' });
});

void test('`fileImage` throws `corrupt` when the index is of another image', (t) => {
  const { index, identity } = serve(t, drawImage('abc'));
  const options = { identity, index, chunkSizeBytes: 2 * CHUNK, files: createOpenFiles() };
  assert.throws(() => fileImage(options), { code: 'corrupt' });
});

void test('a spooled image is served by its stored index', async (t) => {
  const image = drawImage('ab.c', 9);
  const { indexPath, identity, ...source } = serve(t, image);
  await scanImage({ ...source, identity });
  const index = await openIndex(indexPath);
  const files = createOpenFiles();
  const spooled = fileImage({ identity, index, chunkSizeBytes: CHUNK, files });
  const buffer = Buffer.alloc(CHUNK);
  spooled.read([buffer.subarray(0, CHUNK)], CHUNK);
  assert.ok(buffer.equals(chunkOf(image, 1)));
  spooled.confirmUnchanged();
  index.close();
  files.close();
});

void test('`identify` throws `source-unreadable` when there is no file', (t) => {
  const path = join(temporaryDirectory(t), 'none');
  assert.throws(() => identify(path), { code: 'source-unreadable', message: /ENOENT/ });
});
