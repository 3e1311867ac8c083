import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { KgetError } from '../../src/base/error.ts';
import { rateLimit } from '../../src/transfer/rate-limit.ts';
import { compress, hasZstd } from '../../src/content/zstd.ts';
import { exchange, newAuthority } from './exchange.ts';
import { CHUNK_BYTES, memoryImage, noise } from './memory.ts';
import { realClock } from './real-clock.ts';

const authority = await newAuthority();

void describe('`pull` brings an image whole when it', () => {
  const shapes = {
    'is empty': 0,
    'has one byte': 1,
    'is one chunk': CHUNK_BYTES,
    'ends with a chunk': 3 * CHUNK_BYTES,
    'ends within a chunk': 3 * CHUNK_BYTES + 17,
    'is larger than every window and buffer': 10 * 1024 * 1024 + 5,
  };
  for (const [name, length] of Object.entries(shapes)) {
    void test(name, async () => {
      const bytes = noise(length);
      await using run = await exchange(authority, memoryImage(bytes));
      const { counters, outcome } = run.pull();
      assert.equal((await outcome).state, 'arrived');
      assert.ok(run.landing().bytes.equals(bytes));
      assert.equal(counters.chunks, Math.ceil(length / CHUNK_BYTES));
      assert.ok(counters.wireBytes >= length && counters.wireBytes < length * 1.03 + 400);
      assert.deepEqual(run.notices, []);
    });
  }
});

void test('`pull` brings an image whole when any of its chunks repeat or are at hand', async () => {
  const image = fc.array(fc.record({ kind: fc.nat(5), repeat: fc.integer({ min: 1, max: 40 }) }));
  const kinds = Array.from({ length: 6 }, (_, kind) => noise(CHUNK_BYTES, kind + 1));
  const property = async (
    runs: { kind: number; repeat: number }[],
    seedKinds: number[],
    tail: number,
  ): Promise<void> => {
    const chunks = runs.flatMap(({ kind, repeat }) => Array.from({ length: repeat }, () => kind));
    const bytes = Buffer.concat([...chunks.map((kind) => pick(kinds, kind)), noise(tail, 77)]);
    await using run = await exchange(authority, memoryImage(bytes));
    const { counters, outcome } = run.pull({ seeds: seedKinds.map((kind) => pick(kinds, kind)) });
    assert.equal((await outcome).state, 'arrived');
    assert.ok(run.landing().bytes.equals(bytes));
    const distinct = new Set(chunks.filter((kind) => !seedKinds.includes(kind))).size;
    assert.equal(counters.chunks, distinct + Math.sign(tail));
  };
  await fc.assert(
    fc.asyncProperty(image, fc.uniqueArray(fc.nat(5)), fc.nat(CHUNK_BYTES - 1), property),
    { numRuns: 25 },
  );
});

void test('`pull` fetches only what is not at hand when the landing has seeds', async () => {
  const bytes = noise(64 * CHUNK_BYTES);
  const seeds = [3, 4, 63].map((at) => bytes.subarray(at * CHUNK_BYTES, (at + 1) * CHUNK_BYTES));
  await using run = await exchange(authority, memoryImage(bytes));
  assert.equal((await run.pull({ seeds }).outcome).state, 'arrived');
  assert.equal(run.landing().written.length, 61);
  assert.ok(!run.landing().written.includes(4));
});

void test('`pull` needs next to no bytes when the image repeats one chunk', async () => {
  const bytes = Buffer.alloc(5000 * CHUNK_BYTES);
  await using run = await exchange(authority, memoryImage(bytes));
  const { counters, outcome } = run.pull();
  assert.equal((await outcome).state, 'arrived');
  assert.equal(counters.chunks, 1);
  assert.ok(counters.wireBytes < 2 * CHUNK_BYTES);
});

void test('`pull` brings what is scanned before the scan is complete', async () => {
  const bytes = noise(300 * CHUNK_BYTES);
  const image = memoryImage(bytes, { known: 70 });
  await using run = await exchange(authority, image);
  const { outcome } = run.pull({
    onWrite: (position) => {
      if (position === 10) image.scanTo(200);
      if (position === 150) image.scanTo(300);
    },
  });
  assert.equal((await outcome).state, 'arrived');
  assert.ok(run.landing().bytes.equals(bytes));
});

void test('`pull` waits for a scan longer than the stall limit when the sender is alive', async () => {
  const bytes = noise(10 * CHUNK_BYTES);
  const image = memoryImage(bytes, { known: 0 });
  let finds = 0;
  await using run = await exchange(authority, image, { limits: { heartbeatMs: 10 } });
  const { counters, outcome } = run.pull({ limits: { stallMs: 60 } });
  const poll = setInterval(() => {
    finds += 1;
    // Twenty heartbeats of 16 B are 200 ms: more than the stall limit.
    if (counters.wireBytes > 20 * 16 + 200) image.scanTo(10);
  }, 5);
  assert.equal((await outcome).state, 'arrived');
  clearInterval(poll);
  assert.ok(finds > 0);
});

void test('`pull` serves several receivers at once', async () => {
  const bytes = noise(200 * CHUNK_BYTES);
  await using run = await exchange(authority, memoryImage(bytes));
  const outcomes = await Promise.all(
    [run.pull(), run.pull(), run.pull()].map((one) => one.outcome),
  );
  assert.deepEqual(
    outcomes.map(({ state }) => state),
    ['arrived', 'arrived', 'arrived'],
  );
});

void test(
  '`pull` compresses when the link is slow and the data shrinks',
  { skip: !hasZstd },
  async () => {
    const bytes = Buffer.concat(
      Array.from({ length: 200 }, (_, at) => Buffer.alloc(CHUNK_BYTES, `line ${at} of a log\n`)),
    );
    const upload = rateLimit({ bytesPerSecond: 2_000_000, clock: realClock });
    await using run = await exchange(authority, memoryImage(bytes), { upload });
    const { counters, outcome } = run.pull();
    assert.equal((await outcome).state, 'arrived');
    assert.ok(run.landing().bytes.equals(bytes));
    assert.ok(counters.wireBytes < bytes.length * 0.7, `${counters.wireBytes} B crossed`);
  },
);

void test(
  '`pull` brings every chunk that shrinks in a frame of the level that was asked for',
  { skip: !hasZstd },
  async () => {
    const texts = Array.from({ length: 20 }, (_, at) => Buffer.alloc(CHUNK_BYTES, `line ${at}\n`));
    const bytes = Buffer.concat([...texts, noise(3 * CHUNK_BYTES), Buffer.alloc(100, 'end')]);
    await using run = await exchange(authority, memoryImage(bytes));
    assert.equal((await run.pull({ level: 7 }).outcome).state, 'arrived');
    const { frames } = run.landing();
    assert.ok(run.landing().bytes.equals(bytes));
    const shrunk = [...Array(20).keys(), 23];
    assert.deepEqual(
      [...frames.keys()].toSorted((one, other) => one - other),
      shrunk,
    );
    const wanted = compress(bytes.subarray(0, CHUNK_BYTES), 7);
    assert.ok(frames.get(0)?.equals(wanted));
  },
);

void test('`pull` keeps to the rate of the receiver', async () => {
  const bytes = noise(100 * CHUNK_BYTES);
  await using run = await exchange(authority, memoryImage(bytes));
  const startMs = performance.now();
  const download = rateLimit({ bytesPerSecond: 4_000_000, clock: realClock });
  assert.equal((await run.pull({ download }).outcome).state, 'arrived');
  assert.ok(performance.now() - startMs > 30);
  assert.ok(run.landing().bytes.equals(bytes));
});

void test('`pull` passes on why the scan has failed', async () => {
  const image = memoryImage(noise(10 * CHUNK_BYTES), { known: 2 });
  await using run = await exchange(authority, image);
  const { outcome } = run.pull();
  image.failScan(new KgetError('source-unreadable', 'Cannot read disk: I/O error'));
  const result = await outcome;
  assert.ok(result.state === 'failed');
  assert.equal(result.blame, 'source');
  assert.deepEqual(
    [result.error.code, result.error.message],
    ['source-unreadable', 'Cannot read disk: I/O error'],
  );
});

function pick<T>(values: readonly T[], at: number): T {
  const value = values[at];
  assert.ok(value !== undefined);
  return value;
}
