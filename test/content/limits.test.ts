import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '../../src/content/digest.ts';
import { MAX_WANTED_CHUNKS } from '../../src/content/image.ts';
import { createPacedSync, SYNC_EVERY_BYTES } from '../../src/content/paced-sync.ts';
import { pause } from '../../src/content/pause.ts';
import { createWantedChunks, MAX_WRITTEN_AT_ONCE_BYTES } from '../../src/content/wanted-chunks.ts';
import { CHUNK } from './fixtures.ts';

const DIGEST = digestOf(Buffer.from('a chunk'));

void test('`add` wants a digest again when too many positions wait for it', () => {
  const wanted = createWantedChunks({
    sizeBytes: Number.MAX_SAFE_INTEGER,
    chunkSizeBytes: MAX_WRITTEN_AT_ONCE_BYTES / 3,
  });
  const answers = [10, 11, 12, 13, 14].map((position) => wanted.add(position, DIGEST));
  assert.deepEqual(answers, [true, false, false, true, false]);
  assert.deepEqual(wanted.get(10)?.positions, [10, 11, 12]);
  wanted.remove(10);
  assert.equal(wanted.size(), 2);
  assert.equal(wanted.add(15, DIGEST), false);
  assert.deepEqual(wanted.get(13)?.positions, [13, 14, 15]);
});

void test('`add` refuses more chunks than may be wanted at once', () => {
  const wanted = createWantedChunks({ sizeBytes: Number.MAX_SAFE_INTEGER, chunkSizeBytes: CHUNK });
  const add = (position: number): boolean =>
    wanted.add(position, digestOf(Buffer.from(String(position))));
  for (let position = 0; position < MAX_WANTED_CHUNKS; position += 1) add(position);
  assert.throws(() => add(MAX_WANTED_CHUNKS), /too many chunks/);
});

/** Syncs that end when told. */
function manualSync() {
  const pending: { resolve(): void; reject(error: Error): void }[] = [];
  const paced = createPacedSync(
    0,
    () => new Promise<void>((resolve, reject) => pending.push({ resolve, reject })),
  );
  return { pending, paced };
}

void test('`ready` waits for a sync only when as much is dirty again', async () => {
  const { pending, paced } = manualSync();
  paced.wrote(SYNC_EVERY_BYTES - 1);
  assert.equal(pending.length, 0);
  paced.wrote(1);
  assert.equal(pending.length, 1);
  await paced.ready();
  paced.wrote(SYNC_EVERY_BYTES);
  assert.equal(pending.length, 1);
  const order: string[] = [];
  const ready = paced.ready().then(() => order.push('ready'));
  await pause();
  order.push('synced');
  pending[0]?.resolve();
  await ready;
  assert.deepEqual(order, ['synced', 'ready']);
});

void test('`ready` and `finish` throw what a sync threw before', async () => {
  const { pending, paced } = manualSync();
  paced.wrote(SYNC_EVERY_BYTES);
  pending[0]?.reject(new Error('EIO'));
  await paced.idle();
  await assert.rejects(paced.ready(), /EIO/);
  await assert.rejects(paced.finish(), /EIO/);
});
