/** Images that are themselves on their way to their sender. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KgetError } from '../../src/base/error.ts';
import { noteArrivals } from '../../src/content/arrivals.ts';
import { compress, hasZstd } from '../../src/content/zstd.ts';
import { exchange, expectFailure, newAuthority } from './exchange.ts';
import { CHUNK_BYTES, memoryImage, noise } from './memory.ts';

const authority = await newAuthority();
const COUNT = 50;
const bytes = noise(COUNT * CHUNK_BYTES);

void test('`pull` gets each chunk as soon as the sender has it, in whatever order they come', async () => {
  const image = memoryImage(bytes);
  const arrivals = noteArrivals(image.shape, 'disk');
  const readAt: number[] = [];
  const underWay = {
    ...image,
    arrivals,
    read(pieces: readonly Uint8Array[], offset: number) {
      const first = offset / CHUNK_BYTES;
      assert.equal(arrivals.readable(first, pieces.length), pieces.length, `chunk ${first}`);
      readAt.push(first);
      image.read(pieces, offset);
    },
  };
  await using run = await exchange(authority, underWay);
  const order = [3, 0, ...Array.from({ length: COUNT }, (_, at) => COUNT - 1 - at)];
  for (const position of order.slice(0, 2)) arrivals.arrived(position);
  const { outcome } = run.pull({
    // What the receiver has written lets the sender get more.
    onWrite: (position) => {
      if (position === 0) for (const at of order) arrivals.arrived(at);
    },
  });
  assert.equal((await outcome).state, 'arrived');
  assert.ok(run.landing().bytes.equals(bytes));
  assert.equal(readAt[0], 0);
});

void test('`pull` fails with the reason when the sender will not get the rest', async () => {
  const image = memoryImage(bytes);
  const arrivals = noteArrivals(image.shape, 'disk');
  arrivals.arrived(0);
  await using run = await exchange(authority, { ...image, arrivals });
  const pulled = run.pull({
    onWrite: () => arrivals.fail(new KgetError('source-unreadable', 'its own source is gone')),
  });
  const error = await expectFailure(pulled, 'source', 'source-unreadable');
  assert.equal(error.message, 'its own source is gone');
});

void test('`pull` waits for an image that its sender expects, longer than for a silent sender', async () => {
  const image = memoryImage(bytes);
  const found = Promise.withResolvers<typeof image>();
  await using run = await exchange(authority, image, {
    find: () => found.promise,
    limits: { heartbeatMs: 20, handshakeMs: 300 },
  });
  const { outcome } = run.pull({ limits: { stallMs: 200 } });
  setTimeout(() => found.resolve(image), 600);
  assert.equal((await outcome).state, 'arrived');
});

void test('`pull` fails when the expected image does not come', async () => {
  await using run = await exchange(authority, memoryImage(bytes), {
    find: () => Promise.resolve(undefined),
  });
  await expectFailure(run.pull(), 'source', 'source-unreadable');
});

void test(
  '`pull` gets frames that its sender has at hand as they are',
  { skip: !hasZstd },
  async () => {
    const text = Buffer.alloc(COUNT * CHUNK_BYTES, 'some text that shrinks. ');
    for (let at = 0; at < COUNT; at += 1) text.writeUInt32LE(at, at * CHUNK_BYTES);
    const image = memoryImage(text);
    const frames = Array.from({ length: COUNT }, (_, at) =>
      compress(text.subarray(at * CHUNK_BYTES, (at + 1) * CHUNK_BYTES), 7),
    );
    const packed = (position: number): Buffer | undefined =>
      position % 2 === 0 ? frames[position] : undefined;
    await using run = await exchange(authority, { ...image, packed });
    const { outcome, counters } = run.pull();
    assert.equal((await outcome).state, 'arrived');
    assert.ok(run.landing().bytes.equals(text));
    const came = run.landing().frames;
    for (let at = 0; at < COUNT; at += 2) assert.deepEqual(came.get(at), frames[at]);
    assert.ok(counters.wireBytes < 0.6 * text.length);
  },
);
