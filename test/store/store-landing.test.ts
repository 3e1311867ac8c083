import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import { snapshotIndexPath } from '../../src/catalogue/catalogue.ts';
import { chunkFileOf } from '../../src/content/chunk-name.ts';
import { digestOf } from '../../src/content/digest.ts';
import { compress } from '../../src/content/zstd.ts';
import type { ChunkWriter } from '../../src/store/chunk-writer.ts';
import { openStoreLanding } from '../../src/store/store-landing.ts';
import type { StorePlace } from '../../src/store/store-place.ts';
import { chunkOf, digestsOf, drawImage, shapeOf } from '../content/fixtures.ts';
import { makeStore, withWriter } from './fixtures.ts';

const image = drawImage('ab.ab', 99);
const snapshot = { run: 'r1', node: 'a1', name: 'disk.img' };

function openFor(place: StorePlace, writer: ChunkWriter) {
  return openStoreLanding({
    place,
    writer,
    indexPath: snapshotIndexPath(place, snapshot),
    shape: shapeOf(image),
    title: 'the image',
    neededBytes: image.length,
    level: 3,
  });
}

void suite('openStoreLanding', () => {
  void test('wants each chunk once, no zeros, and keeps frames as they came', async (t) => {
    const { place } = await makeStore(t);
    const frame = compress(chunkOf(image, 0), 19);
    await withWriter(place, async (writer) => {
      const landing = await openFor(place, writer);
      const wanted = await landing.settle(0, digestsOf(image));
      // The last chunk is short: it is another one than the second.
      assert.deepEqual(wanted, [
        { first: 0, count: 2 },
        { first: 4, count: 1 },
      ]);
      landing.write(0, { bytes: chunkOf(image, 0), packed: frame });
      for (const position of [1, 4]) landing.write(position, { bytes: chunkOf(image, position) });
      assert.equal(existsSync(snapshotIndexPath(place, snapshot)), false);
      assert.equal((await landing.finish()).dataBytes, image.length - 4096);
      assert.equal(landing.doneBytes(), image.length);
    });
    const kept = readFileSync(chunkFileOf(place.chunks, digestOf(chunkOf(image, 0))));
    assert.ok(kept.equals(frame));
  });

  void test('wants nothing of an image that the store has', async (t) => {
    const { place, addSnapshot } = await makeStore(t);
    await addSnapshot({ run: 'r0', image });
    await withWriter(place, async (writer) => {
      const landing = await openFor(place, writer);
      assert.deepEqual(await landing.settle(0, digestsOf(image)), []);
      await landing.finish();
    });
    assert.ok(existsSync(snapshotIndexPath(place, snapshot)));
  });

  void test('brings back what was set aside between its look and its end', async (t) => {
    const { place, addSnapshot } = await makeStore(t);
    await addSnapshot({ run: 'r0', image });
    const file = chunkFileOf(place.chunks, digestOf(chunkOf(image, 1)));
    await withWriter(place, async (writer) => {
      const landing = await openFor(place, writer);
      await landing.settle(0, digestsOf(image));
      const batch = join(place.trash, 'batch');
      mkdirSync(batch, { recursive: true });
      renameSync(file, join(batch, basename(file)));
      await landing.finish();
    });
    assert.ok(existsSync(file));
  });

  void test('keeps the chunks of an image that was given up, and no index', async (t) => {
    const { place } = await makeStore(t);
    await withWriter(place, async (writer) => {
      const landing = await openFor(place, writer);
      await landing.settle(0, digestsOf(image));
      landing.write(0, { bytes: chunkOf(image, 0) });
      await landing.abandon({ keepPart: true });
    });
    assert.equal(existsSync(snapshotIndexPath(place, snapshot)), false);
    await withWriter(place, (writer) => {
      assert.equal(writer.has(digestOf(chunkOf(image, 0))), true);
      assert.equal(writer.has(digestOf(chunkOf(image, 1))), false);
    });
  });

  void test('refuses a chunk that is not what its digest says', async (t) => {
    const { place } = await makeStore(t);
    await withWriter(place, async (writer) => {
      const landing = await openFor(place, writer);
      await landing.settle(0, digestsOf(image));
      const bytes = chunkOf(image, 1);
      assert.throws(() => landing.write(0, { bytes, packed: compress(bytes) }), {
        code: 'corrupt',
      });
      await landing.abandon({ keepPart: false });
    });
    assert.equal(existsSync(chunkFileOf(place.chunks, digestOf(chunkOf(image, 1)))), false);
  });
});
