import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { encodeFrame, FrameType } from '../../src/transfer/frame.ts';
import { encodeCount, encodeOpen, encodeRuns } from '../../src/transfer/payload.ts';
import { peerName } from '../../src/transfer/peer-name.ts';
import { trust } from '../../src/transfer/trust.ts';
import { exchange, expectFailure, newAuthority, type Exchange } from './exchange.ts';
import { CHUNK_BYTES, memoryImage, noise } from './memory.ts';

const authority = await newAuthority();
const image = memoryImage(noise(500 * CHUNK_BYTES));

void describe('`serve` survives', () => {
  const open = { image: 'disk', chunkSizeBytes: CHUNK_BYTES, acceptsZstd: false, level: 0 };
  const opening = encodeFrame(FrameType.open, encodeOpen(open));
  const otherVersion = Buffer.from(opening);
  otherVersion.writeUInt16LE(99, 16 + 4);
  const scripts: Record<string, readonly Buffer[]> = {
    garbage: [noise(5000)],
    'a request before OPEN': [want(0, 1)],
    'a second OPEN': [opening, opening],
    'another version': [otherVersion],
    'chunks beyond the end': [opening, want(499, 2)],
    'a run of no chunks': [opening, want(0, 0)],
    'digests out of order': [opening, encodeFrame(FrameType.ask, encodeCount(1), 5)],
    'more digests than allowed': [opening, encodeFrame(FrameType.ask, encodeCount(2 ** 32 - 1))],
    'an end before the answers': [opening, want(0, 500), encodeFrame(FrameType.done)],
    'the frames of a sender': [opening, encodeFrame(FrameType.chunk)],
  };
  for (const [name, frames] of Object.entries(scripts)) {
    void test(name, async () => {
      await using run = await exchange(authority, image);
      const socket = await trustedSocket(run);
      const answer = collected(socket);
      socket.write(Buffer.concat(frames));
      assert.match(await answer, /"code":"(?:protocol|version)"/);
      assert.equal((await run.pull().outcome).state, 'arrived');
    });
  }

  void test('a stranger without a certificate, and says so', async () => {
    await using run = await exchange(authority, image);
    const { port } = run.server;
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await collected(socket);
    assert.equal((await run.pull().outcome).state, 'arrived');
    assert.match(
      run.notices.join('\n'),
      /^Refused a stranger from .*127\.0\.0\.1: ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE/,
    );
    assert.equal(run.notices.length, 1);
  });

  void test('a stranger of another run, and says so', async () => {
    await using run = await exchange(authority, image);
    const stranger = await (await newAuthority()).issue('receiver');
    const { port } = run.server;
    const options = { ...trust(stranger), port, host: '127.0.0.1', rejectUnauthorized: false };
    await collected(connect(options));
    assert.match(run.notices.join('\n'), /^Refused a stranger: CERT_SIGNATURE_FAILURE$/);
  });

  void test('many strangers, with a bounded number of notices', async () => {
    await using run = await exchange(authority, image, { limits: { noticesPerMinute: 2 } });
    const { port } = run.server;
    const strangers = Array.from({ length: 5 }, () => connect({ port, rejectUnauthorized: false }));
    await Promise.all(strangers.map(collected));
    assert.equal(run.notices.length, 2);
  });

  void test('more connections than it takes', async () => {
    await using run = await exchange(authority, image, { limits: { connections: 1 } });
    const first = await trustedSocket(run);
    await expectFailure(run.pull(), 'link', 'disconnected');
    assert.match(run.notices.join(), /1 connections are open, which is the limit/);
    first.destroy();
  });

  void test('a receiver that opens nothing', async () => {
    await using run = await exchange(authority, image, { limits: { handshakeMs: 30 } });
    await collected(await trustedSocket(run));
  });
});

function want(first: number, count: number): Buffer {
  return encodeFrame(FrameType.want, encodeRuns([{ first, count }]));
}

/** Everything that comes until the connection ends, however it ends. */
async function collected(socket: TLSSocket): Promise<string> {
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  socket.on('error', () => undefined);
  await new Promise((resolve) => {
    socket.on('close', resolve);
  });
  return Buffer.concat(parts).toString('latin1');
}

async function trustedSocket(run: Exchange): Promise<TLSSocket> {
  const identity = await authority.issue('receiver');
  const { port } = run.server;
  const servername = peerName('sender');
  const socket = connect({ ...trust(identity), port, host: '127.0.0.1', servername });
  await once(socket, 'secureConnect');
  return socket;
}
