import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { suite, test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { snapshotIndexPath } from '../../src/catalogue/catalogue.ts';
import { openBlobIndex } from '../../src/content/blob-index.ts';
import { chunkFileOf } from '../../src/content/chunk-name.ts';
import { digestOf } from '../../src/content/digest.ts';
import { createChunkCache } from '../../src/nbd/chunk-cache.ts';
import type { Disk } from '../../src/nbd/disk.ts';
import { snapshotDisk } from '../../src/nbd/snapshot-disk.ts';
import { chunkFiles } from '../../src/store/chunk-files.ts';
import type { ChunkName, ChunkReader } from '../../src/store/chunk-reader.ts';
import type { StorePlace } from '../../src/store/store-place.ts';
import { CHUNK, chunkOf, drawImage } from '../content/fixtures.ts';
import { makeStore } from '../store/fixtures.ts';

const image = drawImage('ab..ba.c.', 1000);
const snapshot = { run: 'r1', node: 'a1', name: 'disk.img' };

async function serve(
  t: TestContext,
  maxBytes = 64 * CHUNK,
): Promise<{ disk: Disk; place: StorePlace; reads: string[] }> {
  const { place, addSnapshot } = await makeStore(t);
  await addSnapshot({ ...snapshot, image });
  const files = chunkFiles(place);
  const reads: string[] = [];
  const chunks: ChunkReader = {
    ...files,
    read: (chunk) => {
      reads.push(chunk.digest.toString('hex'));
      return files.read(chunk);
    },
  };
  const index = await openBlobIndex(snapshotIndexPath(place, snapshot));
  const disk = snapshotDisk({ index, cache: createChunkCache({ chunks, maxBytes }) });
  t.after(() => index.close());
  return { disk, place, reads };
}

void suite('snapshotDisk', () => {
  void test('`read` gives any range of the image', async (t) => {
    const { disk } = await serve(t);
    const range = fc
      .tuple(fc.nat({ max: image.length - 1 }), fc.nat({ max: image.length - 1 }))
      .map(([one, other]) => [Math.min(one, other), Math.max(one, other) + 1] as const);
    await fc.assert(
      fc.asyncProperty(range, async ([from, end]) => {
        assert.ok((await disk.read(from, end - from)).equals(image.subarray(from, end)));
      }),
    );
  });

  void test('`read` gives a whole chunk as it is in the cache, and zeros without reading', async (t) => {
    const { disk, reads } = await serve(t);
    assert.equal(disk.blockBytes, CHUNK);
    const [one, other] = [await disk.read(5 * CHUNK, CHUNK), await disk.read(5 * CHUNK, CHUNK)];
    assert.equal(one.buffer, other.buffer);
    assert.equal(reads.length, 1);
    assert.ok((await disk.read(2 * CHUNK, CHUNK)).equals(Buffer.alloc(CHUNK)));
    assert.equal(reads.includes(digestOf(Buffer.alloc(CHUNK)).toString('hex')), false);
  });

  void test('`extents` tells zeros from data, to the byte', async (t) => {
    const { disk } = await serve(t);
    const extents = await disk.extents(CHUNK + 7, image.length - CHUNK - 7);
    assert.equal(extents.map(({ isZero }) => (isZero ? '.' : 'x')).join(''), 'x..xx.x.');
    assert.equal(extents[0]?.lengthBytes, CHUNK - 7);
    assert.equal(extents.at(-1)?.lengthBytes, 1000);
    assert.equal(
      extents.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0),
      image.length - CHUNK - 7,
    );
  });

  void test('`read` throws when a chunk is missing, and reads it when it is back', async (t) => {
    const { disk, place } = await serve(t);
    const file = chunkFileOf(place.chunks, digestOf(chunkOf(image, 7)));
    const bytes = readFileSync(file);
    rmSync(file);
    await assert.rejects(async () => disk.read(7 * CHUNK, 10), { code: 'corrupt' });
    assert.ok((await disk.read(0, CHUNK)).equals(chunkOf(image, 0)), 'the others are there');
    writeFileSync(file, bytes);
    assert.ok((await disk.read(7 * CHUNK, CHUNK)).equals(chunkOf(image, 7)));
  });
});

const name = (byte: number): ChunkName => ({
  digest: Buffer.alloc(32, byte),
  algorithm: 'sha256',
  lengthBytes: 10,
});
function counting() {
  const reads: number[] = [];
  const chunks: ChunkReader = {
    read: async ({ digest }) => {
      reads.push(digest[0] ?? 0);
      await Promise.resolve();
      return Buffer.alloc(10, digest[0]);
    },
    packedBytes: () => undefined,
  };
  return { reads, cache: createChunkCache({ chunks, maxBytes: 30 }) };
}

void suite('createChunkCache', () => {
  void test('`read` reads no chunk twice at the same time', async () => {
    const { reads, cache } = counting();
    await Promise.all([cache.read(name(1)), cache.read(name(1)), cache.read(name(1))]);
    assert.deepEqual(reads, [1]);
  });

  void test('`read` keeps what was used last, and no more than it may', async () => {
    const { reads, cache } = counting();
    for (const byte of [1, 2, 3, 1, 4, 1, 3, 2]) await cache.read(name(byte));
    assert.deepEqual(reads, [1, 2, 3, 4, 2]);
  });

  void test('`prefetch` has a chunk read before it is wanted', async () => {
    const { reads, cache } = counting();
    cache.prefetch(name(9));
    assert.deepEqual(reads, [9]);
    await cache.read(name(9));
    assert.deepEqual(reads, [9]);
  });
});
