import assert from 'node:assert/strict';
import { createServer as createTcpServer, type Server } from 'node:net';
import { describe, test } from 'node:test';
import { createServer } from 'node:tls';
import { createAuthority, type Authority } from '../../src/transfer/identity.ts';
import { trust } from '../../src/transfer/trust.ts';
import { exchange, newAuthority, type Exchange } from '../transfer/exchange.ts';
import { CHUNK_BYTES, memoryImage, noise } from '../transfer/memory.ts';
import { listening, portOf } from '../transfer/scripted.ts';
import { recorder } from './dialling.ts';

const DAY_MS = 24 * 3600 * 1000;
const authority = await newAuthority();
const image = memoryImage(noise(4 * CHUNK_BYTES));

void describe('`pull` takes nothing from whoever answers at the right address', () => {
  void test('without TLS', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    assert.equal(await pullFrom(await listening(server)), 'link protocol');
  });

  void test('and sends handshake bytes one by one', async () => {
    const server = createTcpServer((socket) => {
      // A record of the handshake that never becomes whole.
      socket.write(Buffer.from([22, 3, 3, 64, 0, 2]));
      const trickle = setInterval(() => socket.write('\0'), 10);
      socket.on('error', () => undefined).on('close', () => clearInterval(trickle));
      socket.resume();
    });
    assert.equal(await pullFrom(await listening(server), { connectMs: 300 }), 'link timeout');
  });

  void test('with the certificate of another run', async () => {
    const impostor = await tlsServer(await newAuthority(), 'sender');
    assert.equal(await pullFrom(impostor), 'link protocol');
  });

  void test('with a certificate of this run for another node', async () => {
    assert.equal(await pullFrom(await tlsServer(authority, 'sender2')), 'link protocol');
  });

  void test('with a certificate that has expired', async () => {
    const old = await createAuthority(new Date(Date.now() - 40 * DAY_MS));
    await using run = await exchange(old, image);
    const identity = await old.issue('receiver');
    const outcome = await run.pull({ identity }).outcome;
    assert.ok(outcome.state === 'failed' && outcome.error.code === 'protocol');
    assert.match(outcome.error.message, /expired/);
  });

  void test('with the bytes that the right one has sent before', async () => {
    await using run = await exchange(authority, image);
    const answers: Buffer[] = [];
    await using line = await recorder(run.server.port, answers);
    await through(run, line.port);
    const replay = createTcpServer((socket) => {
      socket.on('error', () => undefined).write(Buffer.concat(answers));
    });
    assert.equal(await pullFrom(await listening(replay)), 'link protocol');
  });
});

async function through(run: Exchange, port: number): Promise<void> {
  const outcome = await run.pull({ from: { node: 'sender', host: '127.0.0.1', port } }).outcome;
  assert.equal(outcome.state, 'arrived');
}

async function tlsServer(issuer: Authority, node: string): Promise<Server> {
  const server = createServer({ ...trust(await issuer.issue(node)), requestCert: true });
  return listening(server);
}

/** Whom a pull from the server blames, and for what; nothing of it may have landed. */
async function pullFrom(server: Server, limits: { connectMs?: number } = {}): Promise<string> {
  await using run = await exchange(authority, image);
  let landed = false;
  const outcome = await run.pull({
    from: { node: 'sender', host: '127.0.0.1', port: portOf(server) },
    limits,
    land: () => {
      landed = true;
      return Promise.reject(new Error('nothing is to land'));
    },
  }).outcome;
  server.close();
  assert.equal(landed, false);
  assert.ok(outcome.state === 'failed', 'the pull fails');
  return `${outcome.blame} ${outcome.error.code}`;
}
