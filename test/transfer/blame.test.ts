import { createServer } from 'node:net';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KgetError } from '../../src/base/error.ts';
import { exchange, expectFailure, newAuthority } from './exchange.ts';
import { CHUNK_BYTES, memoryImage, noise } from './memory.ts';
import { listening, portOf, scripted } from './scripted.ts';

const authority = await newAuthority();
const image = memoryImage(noise(500 * CHUNK_BYTES));

void describe('`pull` blames the source when', () => {
  void test('it sends other bytes than it announced', async () => {
    const bytes = noise(20 * CHUNK_BYTES);
    const stored = Buffer.from(bytes);
    stored[7 * CHUNK_BYTES] = 1 + (bytes[7 * CHUNK_BYTES] ?? 0);
    await using run = await exchange(authority, memoryImage(bytes, { stored }));
    await expectFailure(run.pull(), 'source', 'corrupt');
  });

  void test('its image has changed while it was sent', async () => {
    const changing = memoryImage(noise(20 * CHUNK_BYTES));
    await using run = await exchange(authority, changing);
    const pull = run.pull({ onWrite: () => changing.change() });
    await expectFailure(pull, 'source', 'source-changed');
  });

  void test('it does not have the image', async () => {
    await using run = await exchange(authority, image);
    await expectFailure(run.pull({ image: 'other' }), 'source', 'source-unreadable');
  });

  void test('it was scanned in other chunks', async () => {
    await using run = await exchange(authority, image);
    const pull = run.pull({ chunkSizeBytes: 2 * CHUNK_BYTES });
    await expectFailure(pull, 'source', 'protocol');
  });
});

void describe('`pull` blames the target when', () => {
  const noRoom = new KgetError('no-room', 'Cannot store disk: no room');

  void test('the landing cannot be made', async () => {
    await using run = await exchange(authority, image);
    const pull = run.pull({ land: () => Promise.reject(noRoom) });
    await expectFailure(pull, 'target', 'no-room');
  });

  void test('its identity is none', async () => {
    await using run = await exchange(authority, image);
    const identity = { certificate: 'x', key: 'y', authority: 'z' };
    await expectFailure(run.pull({ identity }), 'target', 'internal');
  });

  void test('the id of the image is too long', async () => {
    await using run = await exchange(authority, image);
    await expectFailure(run.pull({ image: 'x'.repeat(9000) }), 'target', 'protocol');
  });

  void test('a chunk cannot be written', async () => {
    await using run = await exchange(authority, image);
    const pull = run.pull({
      onWrite: (position) => {
        if (position === 100) throw noRoom;
      },
    });
    await expectFailure(pull, 'target', 'no-room');
    assert.equal(run.landing().written.length, 100);
  });
});

void describe('`pull` blames the link when', () => {
  void test('nobody listens', async () => {
    await using run = await exchange(authority, image);
    await run.server.close();
    await expectFailure(run.pull(), 'link', 'unreachable');
  });

  void test('the sender vanishes in the middle', async () => {
    await using run = await exchange(authority, image);
    const pull = run.pull({
      onWrite: (position) => {
        if (position === 10) void run.server.close();
      },
    });
    await expectFailure(pull, 'link', 'disconnected');
  });

  void test('it is stopped in the middle', async () => {
    const stop = new AbortController();
    await using run = await exchange(authority, image);
    const onWrite = (position: number): void => {
      if (position === 10) stop.abort();
    };
    await expectFailure(run.pull({ signal: stop.signal, onWrite }), 'link', 'cancelled');
    assert.equal(run.landing().written.length, 11);
  });

  void test('it was stopped before', async () => {
    await using run = await exchange(authority, image);
    await expectFailure(run.pull({ signal: AbortSignal.abort() }), 'link', 'cancelled');
  });

  void test('the other end accepts and says nothing', async () => {
    await using run = await exchange(authority, image);
    const mute = await listening(createServer());
    const from = { node: 'sender', host: '127.0.0.1', port: portOf(mute) };
    await expectFailure(run.pull({ from, limits: { connectMs: 30 } }), 'link', 'timeout');
    mute.close();
  });

  void test('the sender falls silent', async () => {
    await using run = await exchange(authority, image);
    await using silent = await scripted(authority, []);
    const pull = run.pull({ from: silent.from, limits: { stallMs: 30 } });
    await expectFailure(pull, 'link', 'timeout');
  });

  void test('the peer is another node than the one that was meant', async () => {
    await using run = await exchange(authority, image);
    const from = { node: 'another', host: '127.0.0.1', port: run.server.port };
    const error = await expectFailure(run.pull({ from }), 'link', 'protocol');
    assert.match(error.message, /wanted a certificate of this run for another/);
  });

  void test('the peer belongs to another run', async () => {
    await using run = await exchange(authority, image);
    const stranger = await (await newAuthority()).issue('receiver');
    await expectFailure(run.pull({ identity: stranger }), 'link', 'protocol');
  });
});
