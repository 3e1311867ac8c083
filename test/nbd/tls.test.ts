import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, test, type TestContext } from 'node:test';
import { connect, type ConnectionOptions } from 'node:tls';
import { KgetError } from '../../src/base/error.ts';
import { serveNbd } from '../../src/nbd/serve-nbd.ts';
import { createAuthority, type Authority } from '../../src/transfer/identity.ts';
import { clientOf, connectClient, contextData, infoData, u32, type Client } from './client.ts';
import { memoryDisk, memoryExports, sampleBytes } from './memory-disk.ts';
import { startServer, type TestServer } from './server.ts';

const SIZE = 300_000;
const INVALID = 2 ** 31 + 3;
const TLS_REQUIRED = 2 ** 31 + 5;

const START_TLS = 5;
const GO = 7;

interface Setting {
  readonly server: TestServer;
  readonly authority: Authority;
}

async function setting(
  t: TestContext,
  tls: { required: boolean; asksClients?: boolean },
): Promise<Setting> {
  const authority = await createAuthority(new Date());
  const { certificate, key, authority: trusted } = await authority.issue('server');
  const exports = memoryExports({ vda: () => memoryDisk(sampleBytes(SIZE)) });
  const server = await startServer(t, exports, {
    tls: {
      certificate,
      key,
      required: tls.required,
      ...(tls.asksClients === true ? { authority: trusted } : {}),
    },
  });
  return { server, authority };
}

/** The same connection after a TLS handshake. */
async function secure(client: Client, options: ConnectionOptions = {}): Promise<Client> {
  const replies = await client.option(START_TLS);
  assert.deepEqual(
    replies.map(({ type }) => type),
    [1],
  );
  assert.equal(await client.wire.release(), 0);
  const socket = connect({ socket: client.socket, rejectUnauthorized: false, ...options });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return clientOf(socket);
}

async function typesOf(client: Client, option: number, data?: Buffer): Promise<number[]> {
  return (await client.option(option, data)).map(({ type }) => type);
}

void suite('TLS in the handshake', () => {
  void test('`serveNbd` serves over TLS after STARTTLS', async (t) => {
    const { server } = await setting(t, { required: true });
    const client = await secure(await connectClient(server.address));
    assert.deepEqual(await typesOf(client, START_TLS), [INVALID]);
    await client.option(8);
    assert.deepEqual(await typesOf(client, GO, infoData('vda')), [3, 1]);
    client.request({ type: 0, offset: 7, length: 50_000 });
    const { body } = await client.chunk();
    assert.ok(body.subarray(8).equals(sampleBytes(SIZE).subarray(7, 50_007)));
    client.request({ type: 2 });
    await client.ended();
    assert.deepEqual(server.notices, []);
  });

  void test('`serveNbd` answers nothing but TLS_REQD in the clear when TLS is required', async (t) => {
    const { server } = await setting(t, { required: true });
    const client = await connectClient(server.address);
    for (const option of [3, 6, GO, 8, 9, 10, 77]) {
      assert.deepEqual(await typesOf(client, option, infoData('vda')), [TLS_REQUIRED]);
    }
    assert.deepEqual(await typesOf(client, START_TLS, Buffer.from('x')), [INVALID]);
    client.send('IHAVEOPT', u32(1), u32(3), 'vda');
    await client.ended();
    assert.match(server.notices.join(), /did not begin with TLS/);
    assert.deepEqual(server.exports.opened, []);
  });

  void test('`serveNbd` serves in the clear when TLS is only offered', async (t) => {
    const { server } = await setting(t, { required: false });
    const client = await connectClient(server.address);
    assert.deepEqual(await typesOf(client, GO, infoData('vda')), [3, 1]);
  });

  void test('`serveNbd` forgets what was chosen before TLS', async (t) => {
    const { server } = await setting(t, { required: false });
    const plain = await connectClient(server.address);
    await plain.option(8);
    await plain.option(10, contextData('vda', ['base:allocation']));
    const client = await secure(plain);
    const select = contextData('vda', ['base:allocation']);
    assert.deepEqual(await typesOf(client, 10, select), [INVALID]);
  });

  void test('`serveNbd` closes the connection when a client does not wait for TLS', async (t) => {
    const { server } = await setting(t, { required: true });
    const client = await connectClient(server.address);
    // Whatever an intruder puts here must not be taken for what comes over TLS.
    client.send('IHAVEOPT', u32(START_TLS), u32(0), 'IHAVEOPT', u32(3), u32(0));
    await client.ended();
    assert.match(server.notices.join(), /the client did not wait for it/);
  });

  void test('`serveNbd` closes the connection when the handshake of TLS fails', async (t) => {
    const { server } = await setting(t, { required: true });
    const client = await connectClient(server.address);
    await client.option(START_TLS);
    client.send('this is no ClientHello, and long enough to be noticed as such');
    await client.ended();
    assert.equal(server.notices.length, 1);
    assert.match(server.notices[0] ?? '', /Cannot begin with TLS/);
  });
});

void suite('certificates', () => {
  void test('`serveNbd` lets in clients with a certificate of the authority', async (t) => {
    const { server, authority } = await setting(t, { required: true, asksClients: true });
    const { certificate: cert, key } = await authority.issue('client');
    const client = await secure(await connectClient(server.address), { cert, key });
    assert.deepEqual(await typesOf(client, GO, infoData('vda')), [3, 1]);
  });

  for (const who of ['without a certificate', 'with a certificate of another authority']) {
    void test(`\`serveNbd\` turns away clients ${who}`, async (t) => {
      const { server } = await setting(t, { required: true, asksClients: true });
      const stranger = await (await createAuthority(new Date())).issue('client');
      const own = who.startsWith('with ') ? { cert: stranger.certificate, key: stranger.key } : {};
      // TLS 1.3 lets the client begin before the server has seen its certificate.
      const client = await secure(await connectClient(server.address), own).catch(() => undefined);
      await client?.ended();
      assert.equal(server.notices.length, 1);
      assert.match(server.notices[0] ?? '', /Cannot begin with TLS/);
    });
  }

  void test('`serveNbd` throws `usage` when certificate and key are none', async () => {
    const tls = { certificate: 'x', key: 'y', required: true };
    const exports = memoryExports({});
    const listen = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
    await assert.rejects(
      serveNbd({ listen, exports, tls, onNotice: assert.fail }),
      (error) => error instanceof KgetError && error.code === 'usage',
    );
  });
});
