import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { KgetError } from '../../src/base/error.ts';
import { growIndex } from '../../src/content/growing-index.ts';
import { openIndex } from '../../src/content/index-reader.ts';
import { createOpenFiles } from '../../src/content/open-files.ts';
import { digestsOf, drawImage, shapeOf, temporaryDirectory } from './fixtures.ts';

const IMAGE = drawImage('abcd', 99);
const DIGESTS = digestsOf(IMAGE);
const NEVER = new AbortController().signal;

function grow(t: TestContext) {
  const path = join(temporaryDirectory(t), 'x.caibx');
  const files = createOpenFiles();
  const index = growIndex({ path, shape: shapeOf(IMAGE), files });
  t.after(() => {
    index.close();
    files.close();
  });
  return { path, index };
}

void test('`waitFor` resolves when its position is appended, not before', async (t) => {
  const { index } = grow(t);
  const order: string[] = [];
  const waits = [2, 0].map((position) =>
    index.waitFor(position, NEVER).then(() => order.push(`chunk ${position}`)),
  );
  index.append(DIGESTS.subarray(0, 64));
  await waits[1];
  order.push('appended');
  index.append(DIGESTS.subarray(64, 96));
  await waits[0];
  assert.deepEqual(order, ['chunk 0', 'appended', 'chunk 2']);
  await index.waitFor(1, NEVER);
  assert.equal(index.known(), 3);
  assert.deepEqual(index.read(1, 2), DIGESTS.subarray(32, 96));
});

void test('`waitFor` throws the failure of the scan, also when it came before', async (t) => {
  const { index } = grow(t);
  const wait = index.waitFor(3, NEVER);
  index.fail(new KgetError('source-changed', 'Cannot scan'));
  await assert.rejects(wait, { code: 'source-changed' });
  await assert.rejects(index.waitFor(0, NEVER), { code: 'source-changed' });
});

void test('`waitFor` throws `cancelled` when its signal is aborted', async (t) => {
  const { index } = grow(t);
  const stop = new AbortController();
  const wait = index.waitFor(3, stop.signal);
  stop.abort();
  await assert.rejects(wait, { code: 'cancelled' });
  await assert.rejects(index.waitFor(3, stop.signal), { code: 'cancelled' });
  index.append(DIGESTS);
});

void test('`close` lets those who wait go with `cancelled`', async (t) => {
  const { index } = grow(t);
  const wait = index.waitFor(0, NEVER);
  index.close();
  await assert.rejects(wait, { code: 'cancelled' });
});

void test('`complete` leaves a good index file and the same digests', async (t) => {
  const { index, path } = grow(t);
  index.append(DIGESTS);
  const completed = index.complete();
  assert.deepEqual(index.read(0, 4), DIGESTS);
  await completed;
  assert.deepEqual(index.read(0, 4), DIGESTS);
  const stored = await openIndex(path);
  assert.deepEqual(stored.read(0, 4), DIGESTS);
  assert.equal(stored.known(), 4);
  await stored.waitFor(3, NEVER);
  stored.close();
});

void test('`append` throws `target-unwritable` when its directory is missing', (t) => {
  const path = join(temporaryDirectory(t), 'none', 'x.caibx');
  const index = growIndex({ path, shape: shapeOf(IMAGE), files: createOpenFiles() });
  assert.throws(() => index.append(DIGESTS), { code: 'target-unwritable' });
});

void test('`growIndex` opens no file before the first digest', (t) => {
  const { index, path } = grow(t);
  assert.equal(index.known(), 0);
  assert.ok(!existsSync(path));
});
