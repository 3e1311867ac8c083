import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { connectClient, contextData, infoData, string, u16, u32, type Client } from './client.ts';
import { memoryDisk, memoryExports, sampleBytes } from './memory-disk.ts';
import { startServer, type TestServer } from './server.ts';

const SIZE = 300_000;
const ERROR = 2 ** 31;
const UNSUPPORTED = ERROR + 1;
const POLICY = ERROR + 2;
const INVALID = ERROR + 3;
const UNKNOWN = ERROR + 6;
const TOO_BIG = ERROR + 9;

/** HAS_FLAGS, READ_ONLY, CAN_MULTI_CONN; with structured replies also SEND_DF. */
const SIMPLE_FLAGS = 0x103;
const STRUCTURED_FLAGS = 0x183;

function oneDisk(): ReturnType<typeof memoryExports> {
  return memoryExports({ vda: () => memoryDisk(sampleBytes(SIZE)) });
}

function twoDisks(): ReturnType<typeof memoryExports> {
  return memoryExports({
    vda: () => memoryDisk(sampleBytes(SIZE)),
    'zwölf/b': () => memoryDisk(sampleBytes(4096)),
  });
}

async function pair(
  t: TestContext,
  exports = oneDisk(),
): Promise<{ server: TestServer; client: Client }> {
  const server = await startServer(t, exports);
  return { server, client: await connectClient(server.address) };
}

async function errorOf(client: Client, option: number, data?: Buffer): Promise<number> {
  const replies = await client.option(option, data);
  assert.equal(replies.length, 1);
  return replies[0]?.type ?? 0;
}

function sizeAndFlags(data: Buffer | undefined): unknown[] {
  return [data?.readUInt16BE(0), Number(data?.readBigUInt64BE(2)), data?.readUInt16BE(10)];
}

void suite('options of the handshake', () => {
  void test('`serveNbd` tells nobody of exports that are hidden, and serves who knows one', async (t) => {
    const { client } = await pair(t, { ...oneDisk(), areHidden: true });
    assert.deepEqual(
      (await client.option(3)).map(({ type }) => type),
      [1],
    );
    assert.equal(await errorOf(client, 7, infoData('')), UNKNOWN);
    assert.equal((await client.option(7, infoData('vda'))).at(-1)?.type, 1);
  });

  void test('`serveNbd` answers LIST with all exports', async (t) => {
    const { client } = await pair(t, twoDisks());
    const replies = await client.option(3);
    assert.deepEqual(
      replies.map(({ type, data }) => [type, data.toString('utf8', 4)]),
      [
        [2, 'vda'],
        [2, 'zwölf/b'],
        [1, ''],
      ],
    );
    assert.equal(await errorOf(client, 3, Buffer.from('x')), INVALID);
  });

  void test('`serveNbd` leaves out exports whose name the protocol cannot carry', async (t) => {
    const long = 'x'.repeat(4097);
    const { client } = await pair(
      t,
      memoryExports({ [long]: () => memoryDisk(sampleBytes(4096)) }),
    );
    assert.equal((await client.option(3)).length, 1);
    assert.equal(await errorOf(client, 6, infoData(long)), TOO_BIG);
    assert.equal(await errorOf(client, 6, infoData('')), UNKNOWN);
  });

  void test('`serveNbd` tells size and flags with INFO, and more when it is asked', async (t) => {
    const { client } = await pair(t);
    const plain = await client.option(6, infoData('vda'));
    assert.deepEqual(
      plain.map(({ type }) => type),
      [3, 1],
    );
    assert.deepEqual(sizeAndFlags(plain[0]?.data), [0, SIZE, SIMPLE_FLAGS]);
    const asked = await client.option(6, infoData('', [3, 1, 99]));
    assert.deepEqual(
      asked.map(({ type }) => type),
      [3, 3, 3, 1],
    );
    assert.equal(asked[1]?.data.toString('utf8', 2), 'vda');
    assert.deepEqual(
      [0, 2, 6, 10].map((at) =>
        at === 0 ? asked[2]?.data.readUInt16BE(0) : asked[2]?.data.readUInt32BE(at),
      ),
      [3, 1, 4096, 32 * 1024 * 1024],
    );
  });

  void test('`serveNbd` offers DF only after STRUCTURED_REPLY', async (t) => {
    const { client } = await pair(t);
    assert.equal(await errorOf(client, 8, Buffer.from('x')), INVALID);
    assert.equal(await errorOf(client, 8), 1);
    const [info] = await client.option(6, infoData('vda'));
    assert.deepEqual(sizeAndFlags(info?.data), [0, SIZE, STRUCTURED_FLAGS]);
  });

  void test('`serveNbd` knows no default export when there are two', async (t) => {
    const { client } = await pair(t, twoDisks());
    assert.equal(await errorOf(client, 7, infoData('')), UNKNOWN);
    assert.equal(await errorOf(client, 7, infoData('vdb')), UNKNOWN);
    assert.equal((await client.option(7, infoData('zwölf/b'))).at(-1)?.type, 1);
  });

  for (const [what, data] of [
    ['empty', Buffer.alloc(0)],
    ['shorter than its name', Buffer.concat([u32(10), Buffer.from('vda'), u16(0)])],
    ['without a count', string('vda')],
    ['shorter than its requests', Buffer.concat([string('vda'), u16(2), u16(0)])],
    ['longer than its requests', Buffer.concat([infoData('vda'), u16(0)])],
    ['not UTF-8', Buffer.concat([u32(1), Buffer.from([0xff]), u16(0)])],
  ] as const) {
    void test(`\`serveNbd\` refuses GO with INVALID when its data is ${what}`, async (t) => {
      const { client } = await pair(t);
      assert.equal(await errorOf(client, 7, data), INVALID);
      assert.equal((await client.option(7, infoData('vda'))).at(-1)?.type, 1);
    });
  }

  for (const option of [4, 11, 77, 2 ** 32 - 1]) {
    void test(`\`serveNbd\` answers UNSUP to option ${option}, and goes on`, async (t) => {
      const { client } = await pair(t);
      assert.equal(await errorOf(client, option, Buffer.alloc(5000)), UNSUPPORTED);
      assert.equal((await client.option(7, infoData('vda'))).at(-1)?.type, 1);
    });
  }

  void test('`serveNbd` answers POLICY to STARTTLS when there is no certificate', async (t) => {
    const { client } = await pair(t);
    assert.equal(await errorOf(client, 5), POLICY);
  });

  void test('`serveNbd` acknowledges ABORT and closes', async (t) => {
    const { client, server } = await pair(t);
    await client.option(6, infoData('vda'));
    assert.equal(await errorOf(client, 2, Buffer.from('ignored')), 1);
    await client.ended();
    assert.deepEqual(server.notices, []);
  });

  for (const [flags, zeroes] of [
    [3, 0],
    [1, 124],
    [0, 124],
  ] as const) {
    void test(`\`serveNbd\` answers EXPORT_NAME with ${zeroes} zeroes for flags ${flags}`, async (t) => {
      const server = await startServer(t, oneDisk());
      const client = await connectClient(server.address, flags);
      client.send('IHAVEOPT', u32(1), u32(3), 'vda');
      const reply = await client.read(10 + zeroes);
      assert.equal(Number(reply.readBigUInt64BE(0)), SIZE);
      assert.equal(reply.readUInt16BE(8), SIMPLE_FLAGS);
      client.request({ type: 0, offset: 1, length: 5 });
      const data = (await client.read(16 + 5)).subarray(16);
      assert.deepEqual(data, sampleBytes(SIZE).subarray(1, 6));
    });
  }
});

void suite('metadata contexts', () => {
  const LIST = 9;
  const SET = 10;

  for (const [option, queries, expected] of [
    [LIST, [], ['base:allocation']],
    [LIST, ['base:'], ['base:allocation']],
    [LIST, ['qemu:', 'base:allocation'], ['base:allocation']],
    [LIST, ['base:other', 'x-y:z'], []],
    [SET, [], []],
    [SET, ['base:'], []],
    [SET, ['qemu:dirty-bitmap:x', 'base:allocation'], ['base:allocation']],
  ] as const) {
    const name = option === LIST ? 'LIST' : 'SET';
    void test(`\`serveNbd\` answers ${name}_META_CONTEXT to [${queries.join()}]`, async (t) => {
      const { client } = await pair(t);
      await client.option(8);
      const replies = await client.option(option, contextData('vda', queries));
      assert.equal(replies.at(-1)?.type, 1);
      assert.deepEqual(
        replies.slice(0, -1).map(({ type, data }) => [type, data.toString('utf8', 4)]),
        expected.map((context) => [4, context]),
      );
    });
  }

  void test('`serveNbd` refuses contexts when replies are simple', async (t) => {
    const { client } = await pair(t);
    assert.equal(await errorOf(client, LIST, contextData('vda', [])), INVALID);
    assert.equal(await errorOf(client, SET, contextData('vda', ['base:allocation'])), INVALID);
  });

  void test('`serveNbd` refuses contexts of unknown exports and malformed queries', async (t) => {
    const { client } = await pair(t);
    await client.option(8);
    assert.equal(await errorOf(client, SET, contextData('vdb', [])), UNKNOWN);
    for (const data of [
      string('vda'),
      Buffer.concat([string('vda'), u32(2 ** 32 - 1)]),
      Buffer.concat([string('vda'), u32(1), u32(9), Buffer.from('base:')]),
      Buffer.concat([contextData('vda', []), Buffer.from('x')]),
    ]) {
      assert.equal(await errorOf(client, SET, data), INVALID);
    }
  });

  for (const [what, prepare] of [
    ['for another export', (client: Client) => select(client, 'zwölf/b')],
    [
      'and then none',
      async (client: Client) => {
        await select(client, 'vda');
        await client.option(SET, contextData('vda', []));
      },
    ],
    [
      'and then failed to',
      async (client: Client) => {
        await select(client, 'vda');
        await client.option(SET, string('vda'));
      },
    ],
  ] as const) {
    void test(`\`serveNbd\` refuses BLOCK_STATUS when the client selected a context ${what}`, async (t) => {
      const { client } = await pair(t, twoDisks());
      await client.option(8);
      await prepare(client);
      await client.option(7, infoData('vda'));
      client.request({ type: 7, length: 4096 });
      const { type, body } = await client.chunk();
      assert.deepEqual([type, body.readUInt32BE(0)], [0x8001, 22]);
    });
  }

  async function select(client: Client, name: string): Promise<void> {
    const [reply] = await client.option(SET, contextData(name, ['base:allocation']));
    assert.equal(reply?.type, 4);
  }
});

function encode(option: number, length: number): string {
  return Buffer.concat([Buffer.from('IHAVEOPT'), u32(option), u32(length)]).toString('latin1');
}

void suite('clients that break the protocol', () => {
  for (const [what, flags, garbage, notice] of [
    ['sets unknown flags', 4, '', /handshake flags: client set 0x4/],
    ['does not begin an option with the magic', 3, 'GET / HTTP/1.1\r\n', /begin with IHAVEOPT/],
    ['announces 64 KiB and 1 B', 3, encode(6, 65_537), /65537 B announced, at most 65536 B/],
    ['announces 4 GiB', 3, encode(77, 2 ** 32 - 1), /4294967295 B announced/],
    ['asks for an export by name that is not there', 3, encode(1, 1) + 'x', /"x": there is none/],
    [
      'asks for an export by a name that is too long',
      3,
      encode(1, 4097) + 'x'.repeat(4097),
      /4097 B/,
    ],
    [
      'sends other options than EXPORT_NAME, but is not fixed',
      0,
      encode(3, 0),
      /not fixed newstyle/,
    ],
  ] as const) {
    void test(`\`serveNbd\` closes the connection when a client ${what}`, async (t) => {
      const server = await startServer(t, oneDisk());
      const client = await connectClient(server.address, flags);
      client.send(Buffer.from(garbage, 'latin1'));
      await client.ended();
      assert.equal(server.notices.length, 1);
      assert.match(server.notices[0] ?? '', notice);
    });
  }

  void test('`serveNbd` closes the connection when no disk is chosen in time', async (t) => {
    const server = await startServer(t, oneDisk(), { limits: { handshakeMs: 20 } });
    const client = await connectClient(server.address);
    client.send('IHAVE');
    await client.ended();
    assert.match(server.notices.join(), /no disk was chosen within 0.02 s/);
  });

  void test('`serveNbd` closes half a handshake without a word when the client leaves', async (t) => {
    const server = await startServer(t, oneDisk());
    const client = await connectClient(server.address);
    await client.option(6, infoData('vda'));
    client.socket.end('IHAVE');
    await client.ended();
    assert.deepEqual(server.notices, []);
  });
});
