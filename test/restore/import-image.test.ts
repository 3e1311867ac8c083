import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { snapshotIndexPath } from '../../src/catalogue/catalogue.ts';
import { chunkFileOf } from '../../src/content/chunk-name.ts';
import { digestOf } from '../../src/content/digest.ts';
import { importFile } from '../../src/restore/import-image.ts';
import { openChunkWriter } from '../../src/store/chunk-writer.ts';
import { takeLease } from '../../src/store/lease.ts';
import { chunkOf, drawImage, temporaryDirectory, writeIndex } from '../content/fixtures.ts';
import { makeStore } from '../store/fixtures.ts';

async function setUp(t: TestContext, image: Buffer) {
  const { place, addSnapshot } = await makeStore(t);
  const directory = temporaryDirectory(t);
  const path = join(directory, 'disk.img');
  writeFileSync(path, image);
  const lease = takeLease(place, 'test');
  const writer = await openChunkWriter(place, lease);
  t.after(async () => {
    await writer.close();
    lease.release();
  });
  const indexPath = snapshotIndexPath(place, { run: 'R', node: 'n', name: 'disk.img' });
  const options = {
    path,
    place,
    writer,
    indexPath,
    chunkSizeBytes: 4096,
    level: 1,
    signal: new AbortController().signal,
  };
  return { place, directory, options, addSnapshot };
}

void test('`importFile` makes the index that a scan makes, of holes too', async (t) => {
  const image = drawImage(`ab${'.'.repeat(5000)}c`, 9);
  const { directory, options } = await setUp(t, image);
  await importFile(options);
  const wanted = join(directory, 'wanted');
  await writeIndex(wanted, image);
  assert.ok(readFileSync(options.indexPath).equals(readFileSync(wanted)));
});

void test('`importFile` brings no snapshot of a file that changes meanwhile', async (t) => {
  const { options } = await setUp(t, randomBytes(100_000));
  let changes = 0;
  const onProgress = (): void => {
    changes += 1;
    if (changes === 3) appendFileSync(options.path, 'more');
  };
  await assert.rejects(importFile({ ...options, onProgress }), { code: 'source-changed' });
  assert.equal(existsSync(options.indexPath), false);
});

void test('`importFile` brings back chunks that are set aside while it works', async (t) => {
  const image = drawImage('abcd');
  const { place, options, addSnapshot } = await setUp(t, image);
  await addSnapshot({ run: 'Q', image });
  const file = chunkFileOf(place.chunks, digestOf(chunkOf(image, 0)));
  const batch = join(place.trash, '20260131T120000Z-aaaaaa');
  mkdirSync(batch, { recursive: true });
  let isAside = false;
  const onProgress = (): void => {
    if (!isAside) renameSync(file, join(batch, file.slice(-70)));
    isAside = true;
  };
  await importFile({ ...options, onProgress });
  assert.ok(isAside);
  assert.ok(existsSync(file));
});
