import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { DIGEST_BYTES, type ServedImage } from '../../src/content/image.ts';
import { encodeFrame, FrameType } from '../../src/transfer/frame.ts';
import { createAuthority } from '../../src/transfer/identity.ts';
import { BLOCK_BYTES, BLOCKS, INDEX_BATCH, MAX_WANT_RUNS } from '../../src/transfer/limits.ts';
import { encodeCount, encodeOpen, encodeRuns } from '../../src/transfer/payload.ts';
import { exchange, expectFailure, newAuthority, type Exchange } from '../transfer/exchange.ts';
import { CHUNK_BYTES, memoryImage, noise } from '../transfer/memory.ts';
import { dialAs, ended, recorder, tcp } from './dialling.ts';

/** What would hang if it went wrong. */
const LIMIT = { timeout: 20_000 };
const DAY_MS = 24 * 3600 * 1000;
const MiB = 1024 * 1024;
/** More than the sockets of both ends take by themselves, over the loopback. */
const SOCKETS_BYTES = 24 * MiB;

const authority = await newAuthority();
const image = memoryImage(noise(500 * CHUNK_BYTES));
const open = { image: 'disk', chunkSizeBytes: CHUNK_BYTES, acceptsZstd: false, level: 0 };
const opening = encodeFrame(FrameType.open, encodeOpen(open));

async function assertServes(run: Exchange): Promise<void> {
  assert.equal((await run.pull().outcome).state, 'arrived');
}

void describe('`serve` refuses, says so, and goes on serving:', () => {
  void test('a certificate that has expired', async () => {
    const old = await createAuthority(new Date(Date.now() - 40 * DAY_MS));
    await using run = await exchange(old, image);
    await ended(await dialAs(old, 'receiver', run.server.port));
    assert.match(run.notices.join('\n'), /^Refused a stranger.*: CERT_HAS_EXPIRED$/);
  });

  void test('a certificate that is not valid yet', async () => {
    const young = await createAuthority(new Date(Date.now() + 10 * DAY_MS));
    await using run = await exchange(young, image);
    await ended(await dialAs(young, 'receiver', run.server.port));
    assert.match(run.notices.join('\n'), /^Refused a stranger.*: CERT_NOT_YET_VALID$/);
  });

  void test('bytes that an agent of the run has sent before', async () => {
    await using run = await exchange(authority, image);
    await using line = await recorder(run.server.port);
    const from = { node: 'sender', host: '127.0.0.1', port: line.port };
    assert.equal((await run.pull({ from }).outcome).state, 'arrived');
    const replay = await tcp(run.server.port);
    replay.write(line.bytes());
    await ended(replay);
    assert.match(run.notices.join('\n'), /^Refused a stranger[^\n]*$/);
    await assertServes(run);
  });

  void test('what is not TLS', async () => {
    await using run = await exchange(authority, image);
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', opening, noise(70_000)]) {
      const socket = await tcp(run.server.port);
      socket.write(bytes);
      await ended(socket);
    }
    assert.equal(run.notices.length, 3);
    for (const notice of run.notices) assert.match(notice, /^Refused a stranger/);
    await assertServes(run);
  });

  void test('a handshake whose bytes trickle in, and no peer that was quick', async () => {
    const limits = { handshakeMs: 400 };
    await using run = await exchange(authority, image, { limits });
    await using line = await recorder(run.server.port);
    const peer = await dialAs(authority, 'receiver', line.port);
    peer.write(opening);
    await once(peer, 'data');
    const hello = line.bytes();
    const slow = await tcp(run.server.port);
    let at = 0;
    const trickle = setInterval(() => slow.write(hello.subarray(at, (at += 1))), 20);
    await ended(slow);
    clearInterval(trickle);
    assert.ok(at < hello.length / 2, 'it was ended long before it had said all');
    assert.match(run.notices.join('\n'), /from .*127\.0\.0\.1: it has not proved to belong to the/);
    assert.equal(peer.destroyed, false);
    peer.destroy();
  });

  void test('hundreds of half-open connections, of which it keeps few', LIMIT, async () => {
    const limits = { newcomers: 20, handshakeMs: 600_000 };
    await using run = await exchange(authority, image, { limits });
    await using line = await recorder(run.server.port);
    (await dialAs(authority, 'receiver', line.port)).destroy();
    const helloBytes = line.bytes().subarray(0, 100);
    const strangers = await Promise.all(Array.from({ length: 300 }, () => tcp(run.server.port)));
    for (const [at, socket] of strangers.entries()) if (at % 2 === 0) socket.write(helloBytes);
    const gone = strangers.slice(0, 280).map(ended);
    await assertServes(run);
    await Promise.all(gone);
    await assertServes(run);
    assert.equal(run.notices.length, 12);
    for (const socket of strangers) socket.destroy();
  });
});

void describe('`serve` bounds what an agent of the run can do that has turned hostile:', () => {
  const scripts: Record<string, Buffer> = {
    'an OPEN too large': Buffer.concat([header(FrameType.open, 100_000)]),
    'a WANT too large': Buffer.concat([opening, header(FrameType.want, 5000)]),
    'a frame of 4 GiB': Buffer.concat([opening, header(FrameType.ask, 2 ** 32 - 1)]),
    'a position beyond 2^53': Buffer.concat([opening, header(FrameType.ask, 0, 0xff)]),
    'thousands of requests at once': Buffer.concat([
      opening,
      ...Array.from({ length: 20 }, () =>
        encodeFrame(
          FrameType.want,
          encodeRuns(Array.from({ length: MAX_WANT_RUNS }, () => ({ first: 0, count: 500 }))),
        ),
      ),
    ]),
  };
  for (const [name, bytes] of Object.entries(scripts)) {
    void test(name, async () => {
      await using run = await exchange(authority, image);
      const socket = await dialAs(authority, 'receiver', run.server.port);
      socket.write(bytes);
      await ended(socket);
      assert.match(run.notices.join('\n'), /^Closed the connection of [^\n]*$/);
      await assertServes(run);
    });
  }

  void test('signs of life instead of an OPEN', LIMIT, async () => {
    await using run = await exchange(authority, image, { limits: { handshakeMs: 200 } });
    const socket = await dialAs(authority, 'receiver', run.server.port);
    const alive = setInterval(() => socket.write(encodeFrame(FrameType.alive)), 10);
    await ended(socket);
    clearInterval(alive);
    await assertServes(run);
  });

  void test('an image that it was not asked to serve, whatever its id', async () => {
    await using run = await exchange(authority, image);
    const ids = ['', '.', '../disk', '/etc/shadow', 'other:/disk', 'disk\0', 'disk/', '__proto__'];
    for (const id of ids) {
      const { message } = await expectFailure(
        run.pull({ image: id }),
        'source',
        'source-unreadable',
      );
      assert.ok(message.includes('it is not on this node'), message);
    }
    await assertServes(run);
  });

  void test('digests that are asked for and never read', async () => {
    const vast = vastImage(4096 * INDEX_BATCH);
    const notices: string[] = [];
    const onNotice = (text: string): unknown => notices.push(text);
    await using run = await exchange(authority, image, { find: () => vast, onNotice });
    const socket = await dialAs(authority, 'receiver', run.server.port);
    socket.write(opening);
    // It waits for each answer as an honest receiver would, only that it does not read it.
    for (let asked = 0; asked < vast.index.chunkCount && notices.length === 0;) {
      socket.write(encodeFrame(FrameType.ask, encodeCount(INDEX_BATCH), asked));
      asked += INDEX_BATCH;
      for (let turn = 0; turn < 20 && vast.digestsRead() < asked; turn += 1) await setImmediate();
    }
    assert.match(notices.join('\n'), /may be outstanding/);
    socket.destroy();
    const givenBytes = vast.digestsRead() * DIGEST_BYTES;
    assert.ok(givenBytes < SOCKETS_BYTES, `${givenBytes} B were kept or sent`);
  });

  void test('chunks that are asked for and never read', async () => {
    const vast = vastImage(MiB);
    await using run = await exchange(authority, image, { find: () => vast });
    const socket = await dialAs(authority, 'receiver', run.server.port);
    const wanted = encodeRuns([{ first: 0, count: vast.index.chunkCount }]);
    socket.write(Buffer.concat([opening, encodeFrame(FrameType.want, wanted)]));
    const keeps = BLOCKS * BLOCK_BYTES + SOCKETS_BYTES;
    // Others are served meanwhile, of the same image, as often as they like.
    for (let other = 0; other < 3; other += 1) {
      const reader = await dialAs(authority, 'receiver', run.server.port);
      reader.write(Buffer.concat([opening, encodeFrame(FrameType.want, encodeRuns([TEN]))]));
      await once(reader, 'data');
      reader.destroy();
    }
    const read = vast.bytesRead() - 3 * TEN.count * CHUNK_BYTES;
    assert.ok(read > 0 && read < keeps, `${read} B were kept or sent`);
    socket.destroy();
  });
});

const TEN = { first: 0, count: 10 };

/** An image that would not fit into memory, with digests that differ; it counts what is read. */
function vastImage(chunkCount: number) {
  let digestsRead = 0;
  let bytesRead = 0;
  const digests = noise(INDEX_BATCH * DIGEST_BYTES);
  const served: ServedImage = {
    shape: { sizeBytes: chunkCount * CHUNK_BYTES, chunkSizeBytes: CHUNK_BYTES },
    index: {
      chunkCount,
      known: () => chunkCount,
      read: (_first, count) => {
        digestsRead += count;
        return digests.subarray(0, count * DIGEST_BYTES);
      },
      waitFor: () => Promise.resolve(),
    },
    read: (pieces) => {
      for (const piece of pieces) bytesRead += piece.length;
    },
    confirmUnchanged: () => undefined,
  };
  return { ...served, digestsRead: () => digestsRead, bytesRead: () => bytesRead };
}

/** The header of a frame, with a length that may be a lie. */
function header(type: FrameType, payloadBytes: number, topOfPosition = 0): Buffer {
  const frame = encodeFrame(type);
  frame.writeUInt32LE(payloadBytes, 0);
  frame.writeUInt8(topOfPosition, 15);
  return frame;
}
