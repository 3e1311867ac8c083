import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { encodeDigestRuns } from '../../src/transfer/digest-runs.ts';
import { ALIVE_WAITS, encodeFrame, FrameType } from '../../src/transfer/frame.ts';
import { pullLimitsFor, serveLimitsFor } from '../../src/transfer/limits.ts';
import { encodeMeta, encodeOpen } from '../../src/transfer/payload.ts';
import { peerName } from '../../src/transfer/peer-name.ts';
import { rateLimit } from '../../src/transfer/rate-limit.ts';
import { trust } from '../../src/transfer/trust.ts';
import { exchange, expectFailure, newAuthority } from './exchange.ts';
import { CHUNK_BYTES, digestOf, memoryImage, noise } from './memory.ts';
import { realClock } from './real-clock.ts';
import { scripted, trickling } from './scripted.ts';

const authority = await newAuthority();
const bytes = noise(CHUNK_BYTES);
const image = memoryImage(bytes);
const META = encodeFrame(
  FrameType.meta,
  encodeMeta({ sizeBytes: CHUNK_BYTES, chunkSizeBytes: CHUNK_BYTES }),
);
const INDEX = encodeFrame(FrameType.index, encodeDigestRuns(digestOf(bytes)));
const CHUNK = encodeFrame(FrameType.chunk, bytes);
const DONE = encodeFrame(FrameType.done);
const LIMITS = { stallMs: 160 };

void test('`pull` gives up a sender that falls silent after its first frame', async () => {
  await using run = await exchange(authority, image);
  await using silent = await scripted(authority, [META]);
  const pull = run.pull({ from: silent.from, limits: LIMITS });
  const error = await expectFailure(pull, 'link', 'timeout');
  assert.match(error.message, /no byte came in 0\.16 s$/);
});

for (const [owed, frames] of [
  ['META', []],
  ['digests', [META]],
  ['chunks', [META, INDEX]],
  ['DONE', [META, INDEX, CHUNK]],
] as const) {
  void test(`\`pull\` gives up a sender that owes ${owed} and sends signs of life only`, async () => {
    await using run = await exchange(authority, image);
    const alive = { frame: encodeFrame(FrameType.alive), everyMs: 10 };
    await using idle = await scripted(authority, frames, alive);
    const pull = run.pull({ from: idle.from, limits: LIMITS });
    const error = await expectFailure(pull, 'link', 'timeout');
    assert.match(error.message, /nothing came but signs of life in 0\.16 s$/);
  });
}

void test('`pull` waits for a sender as long as it says that it waits itself', async () => {
  await using run = await exchange(authority, image);
  const waits = encodeFrame(FrameType.alive, undefined, ALIVE_WAITS);
  await using sender = await scripted(authority, [META], { frame: waits, everyMs: 10 });
  const stop = new AbortController();
  const pull = run.pull({ from: sender.from, limits: LIMITS, signal: stop.signal });
  const enough = setInterval(() => {
    // More signs of life than there are in two stall limits.
    if (pull.counters.wireBytes > 40 * 16) stop.abort();
  }, 5);
  await expectFailure(pull, 'link', 'cancelled');
  clearInterval(enough);
});

void test('`pull` brings an image whole over a link on which bytes trickle', async () => {
  await using run = await exchange(authority, image);
  // 64 B every 5 ms: one chunk takes twice the stall limit.
  await using slow = await trickling(authority, [META, INDEX, CHUNK, DONE], {
    pieceBytes: 64,
    everyMs: 5,
  });
  const { outcome } = run.pull({ from: slow.from, limits: LIMITS });
  assert.equal((await outcome).state, 'arrived');
  assert.ok(run.landing().bytes.equals(bytes));
});

void test('`pull` waits for a sender that keeps to a low rate', async () => {
  const large = noise(20 * CHUNK_BYTES);
  // The first block passes at once, but the next one only after 300 ms: 20 ms for each of its chunks.
  const upload = rateLimit({ bytesPerSecond: (CHUNK_BYTES / 20) * 1000, clock: realClock });
  const limits = { heartbeatMs: 10 };
  await using run = await exchange(authority, memoryImage(large), { upload, limits });
  const { outcome } = run.pull({ limits: LIMITS });
  assert.equal((await outcome).state, 'arrived');
});

void test('`serve` leaves a receiver that falls silent after OPEN', async () => {
  await using run = await exchange(authority, image, { limits: { idleMs: 60, heartbeatMs: 10 } });
  const options = trust(await authority.issue('receiver'));
  const { port } = run.server;
  const servername = peerName('sender');
  const socket = connect({ ...options, port, host: '127.0.0.1', servername });
  socket.resume().on('error', () => {});
  await once(socket, 'secureConnect');
  const open = { image: 'disk', chunkSizeBytes: CHUNK_BYTES, acceptsZstd: false, level: 0 };
  socket.write(encodeFrame(FrameType.open, encodeOpen(open)));
  await once(socket, 'close');
});

void test('`pullLimitsFor` and `serveLimitsFor` leave time for several signs of life', () => {
  for (const stallMs of [1000, 15_000, 3_600_000]) {
    const pull = pullLimitsFor(stallMs);
    const serve = serveLimitsFor(stallMs);
    assert.equal(pull.stallMs, stallMs);
    assert.ok(serve.heartbeatMs <= stallMs / 3 && pull.heartbeatMs <= serve.idleMs / 3);
    assert.ok(serve.idleMs > pull.stallMs, 'the receiver gives up first, and says why');
  }
});
