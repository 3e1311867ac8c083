import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { connectClient, type Chunk, type Client } from './client.ts';
import { memoryDisk, memoryExports, sampleBytes, type MemoryDisk } from './memory-disk.ts';
import { startServer, transmitting, type TestServer } from './server.ts';

const MEBIBYTE = 1024 * 1024;
const BLOCK = 4096;

const READ = 0;
const WRITE = 1;
const DISCONNECT = 2;
const STATUS = 7;
const DONT_FRAGMENT = 4;
const REQUEST_ONE = 8;

const NOT_PERMITTED = 1;
const INPUT_OUTPUT = 5;
const INVALID = 22;

/** Three blocks of data, four of zeros, one of data, and a short one of zeros. */
function smallBytes(): Buffer {
  const bytes = Buffer.alloc(8 * BLOCK + 100);
  bytes.fill('abc', 0, 3 * BLOCK);
  bytes.fill('x', 7 * BLOCK, 8 * BLOCK);
  return bytes;
}

interface Setting {
  readonly server: TestServer;
  readonly client: Client;
  readonly disk: MemoryDisk;
}

async function setting(
  t: TestContext,
  replies: 'simple' | 'structured',
  disk = memoryDisk(smallBytes(), BLOCK),
): Promise<Setting> {
  const server = await startServer(t, memoryExports({ vda: () => disk }));
  return { server, client: await transmitting(server, replies), disk };
}

async function simpleReply(client: Client): Promise<{ error: number; cookie: number }> {
  const head = await client.read(16);
  assert.equal(head.readUInt32BE(0), 0x67446698);
  return { error: head.readUInt32BE(4), cookie: Number(head.readBigUInt64BE(8)) };
}

async function chunks(client: Client): Promise<Chunk[]> {
  const all = [await client.chunk()];
  while (all.at(-1)?.isLast === false) all.push(await client.chunk());
  return all;
}

/** `data 0+5`, `hole 5+9`, `none`, `error 5 at 7`: what a chunk says, with the number of bytes. */
function describe({ type, body }: Chunk): string {
  const offset = (at: number): number => Number(body.readBigUInt64BE(at));
  switch (type) {
    case 0:
      return 'none';
    case 1:
      return `data ${offset(0)}+${body.length - 8}`;
    case 2:
      return `hole ${offset(0)}+${body.readUInt32BE(8)}`;
    case 0x8001:
      return `error ${body.readUInt32BE(0)}`;
    case 0x8002:
      return `error ${body.readUInt32BE(0)} at ${offset(body.length - 8)}`;
    default:
      return `type ${type}`;
  }
}

/** Puts the content of chunks together. */
function assemble(all: readonly Chunk[], offset: number, lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes, 0xee);
  for (const { type, body } of all) {
    const at = Number(body.readBigUInt64BE(0)) - offset;
    if (type === 1) body.copy(bytes, at, 8);
    else bytes.fill(0, at, at + body.readUInt32BE(8));
  }
  return bytes;
}

/** Reads one byte again and again: what the server can do meanwhile is done then. */
async function roundTrips(client: Client, offset: number): Promise<void> {
  for (let count = 0; count < 50; count += 1) {
    client.request({ type: READ, offset, length: 1 });
    await client.chunk();
  }
}

function extentsIn({ type, body }: Chunk): number[][] {
  assert.equal(type, 5);
  assert.equal(body.readUInt32BE(0), 1);
  const extents: number[][] = [];
  for (let at = 4; at < body.length; at += 8) {
    extents.push([body.readUInt32BE(at), body.readUInt32BE(at + 4)]);
  }
  return extents;
}

void suite('READ', () => {
  void test('`serveNbd` sends data and holes as chunks when replies are structured', async (t) => {
    const { client, disk } = await setting(t, 'structured');
    const [offset, length] = [10, 8 * BLOCK + 80];
    client.request({ type: READ, offset, length, cookie: 7 });
    const all = await chunks(client);
    assert.deepEqual(all.map(describe), [
      `data 10+${3 * BLOCK - 10}`,
      `hole ${3 * BLOCK}+${4 * BLOCK}`,
      `data ${7 * BLOCK}+${BLOCK}`,
      `hole ${8 * BLOCK}+90`,
    ]);
    assert.ok(all.every(({ cookie }) => cookie === 7));
    assert.ok(assemble(all, offset, length).equals(disk.bytes.subarray(offset, offset + length)));
  });

  void test('`serveNbd` sends one chunk with zeros spelled out when DF is set', async (t) => {
    const { client, disk } = await setting(t, 'structured');
    client.request({ type: READ, flags: DONT_FRAGMENT, offset: 1, length: 8 * BLOCK });
    const all = await chunks(client);
    assert.deepEqual(all.map(describe), [`data 1+${8 * BLOCK}`]);
    assert.ok(assemble(all, 1, 8 * BLOCK).equals(disk.bytes.subarray(1, 1 + 8 * BLOCK)));
    assert.equal(disk.reads.length, 2);
  });

  void test('`serveNbd` sends one simple reply when replies are not structured', async (t) => {
    const { client, disk } = await setting(t, 'simple');
    client.request({ type: READ, offset: 5, length: 8 * BLOCK, cookie: 2 ** 40 });
    assert.deepEqual(await simpleReply(client), { error: 0, cookie: 2 ** 40 });
    assert.ok((await client.read(8 * BLOCK)).equals(disk.bytes.subarray(5, 5 + 8 * BLOCK)));
  });

  void test('`serveNbd` spells out zeros of more than its buffer of zeros', async (t) => {
    const length = 3 * MEBIBYTE + 5;
    const { client } = await setting(t, 'simple', memoryDisk(Buffer.alloc(length), MEBIBYTE));
    client.request({ type: READ, length });
    await simpleReply(client);
    assert.ok((await client.read(length)).equals(Buffer.alloc(length)));
  });

  void test('`serveNbd` splits long data at multiples of 1 MiB, in order', async (t) => {
    const disk = memoryDisk(Buffer.alloc(5 * MEBIBYTE, 'x'), BLOCK);
    const { client } = await setting(t, 'structured', disk);
    client.request({ type: READ, offset: 100, length: 3 * MEBIBYTE });
    assert.deepEqual((await chunks(client)).map(describe), [
      `data 100+${MEBIBYTE - 100}`,
      `data ${MEBIBYTE}+${MEBIBYTE}`,
      `data ${2 * MEBIBYTE}+${MEBIBYTE}`,
      `data ${3 * MEBIBYTE}+100`,
    ]);
  });

  void test('`serveNbd` splits long data at the blocks of a disk when these are larger', async (t) => {
    const disk = memoryDisk(Buffer.alloc(5 * MEBIBYTE, 'x'), 2 * MEBIBYTE);
    const { client } = await setting(t, 'structured', disk);
    client.request({ type: READ, length: 5 * MEBIBYTE });
    assert.deepEqual((await chunks(client)).map(describe), [
      `data 0+${2 * MEBIBYTE}`,
      `data ${2 * MEBIBYTE}+${2 * MEBIBYTE}`,
      `data ${4 * MEBIBYTE}+${MEBIBYTE}`,
    ]);
  });

  void test('`serveNbd` answers an empty read with nothing', async (t) => {
    const { client, server } = await setting(t, 'structured');
    client.request({ type: READ, offset: 8 * BLOCK + 100 });
    assert.deepEqual((await chunks(client)).map(describe), ['none']);
    const simple = await transmitting(server, 'simple');
    simple.request({ type: READ, cookie: 3 });
    assert.deepEqual(await simpleReply(simple), { error: 0, cookie: 3 });
  });
});

void suite('requests that are refused', () => {
  for (const [what, fields, error] of [
    ['a READ beyond the end', { type: READ, offset: 8 * BLOCK, length: 101 }, INVALID],
    ['a READ far beyond the end', { type: READ, offset: 2n ** 64n - 1n, length: 1 }, INVALID],
    ['a READ of more than 32 MiB', { type: READ, length: 32 * MEBIBYTE + 1 }, INVALID],
    ['a READ with flags of others', { type: READ, length: 1, flags: REQUEST_ONE }, INVALID],
    ['a READ with FUA, which is not offered', { type: READ, length: 1, flags: 1 }, INVALID],
    ['FLUSH, which is not offered', { type: 3 }, INVALID],
    ['TRIM', { type: 4, length: 1 }, NOT_PERMITTED],
    ['CACHE, which is not offered', { type: 5, length: 1 }, INVALID],
    ['WRITE_ZEROES', { type: 6, length: 2 ** 32 - 1 }, NOT_PERMITTED],
    ['BLOCK_STATUS of nothing', { type: STATUS }, INVALID],
    ['BLOCK_STATUS beyond the end', { type: STATUS, offset: 1, length: 8 * BLOCK + 100 }, INVALID],
    ['BLOCK_STATUS with DF', { type: STATUS, length: 1, flags: DONT_FRAGMENT }, INVALID],
    ['an unknown command', { type: 4711, length: 5 }, INVALID],
  ] as const) {
    void test(`\`serveNbd\` refuses ${what} with an error ${error}, and goes on`, async (t) => {
      const { client, server } = await setting(t, 'structured');
      client.request({ ...fields, cookie: 9 });
      client.request({ type: READ, length: 1 });
      const [refused, ...others] = await chunks(client);
      assert.deepEqual(others, []);
      assert.deepEqual([refused?.type, refused?.cookie], [0x8001, 9]);
      assert.equal(refused?.body.readUInt32BE(0), error);
      assert.equal(refused?.body.readUInt16BE(4), refused?.body.length - 6);
      assert.deepEqual((await chunks(client)).map(describe), ['data 0+1']);

      const simple = await transmitting(server, 'simple');
      simple.request({ ...fields, cookie: 5 });
      const expected = fields.type === STATUS ? INVALID : error;
      assert.deepEqual(await simpleReply(simple), { error: expected, cookie: 5 });
    });
  }

  void test('`serveNbd` refuses DF when replies are simple', async (t) => {
    const { client } = await setting(t, 'simple');
    client.request({ type: READ, length: 1, flags: DONT_FRAGMENT });
    assert.equal((await simpleReply(client)).error, INVALID);
  });

  void test('`serveNbd` skips what is written, and goes on', async (t) => {
    const { client } = await setting(t, 'simple');
    client.request({ type: WRITE, length: 200_001, cookie: 1 });
    client.send(Buffer.alloc(200_001, 'w'));
    client.request({ type: READ, length: 1, cookie: 2 });
    assert.deepEqual(await simpleReply(client), { error: NOT_PERMITTED, cookie: 1 });
    assert.deepEqual(await simpleReply(client), { error: 0, cookie: 2 });
  });

  for (const [what, bytes, notice] of [
    ['a request without its magic', Buffer.alloc(28, 'g'), /begins with 0x67676767/],
    [
      'more to write than 32 MiB',
      Buffer.from('25609513000000010000000000000000000000000000000002000001', 'hex'),
      /33554433 B, at most 33554432 B/,
    ],
  ] as const) {
    void test(`\`serveNbd\` closes the connection when a client sends ${what}`, async (t) => {
      const { client, server } = await setting(t, 'structured');
      client.send(bytes);
      await client.ended();
      assert.equal(server.notices.length, 1);
      assert.match(server.notices[0] ?? '', notice);
    });
  }
});

async function status(client: Client, fields: object): Promise<number[][]> {
  client.request({ type: STATUS, ...fields });
  const all = await chunks(client);
  assert.equal(all.length, 1);
  return all.flatMap(extentsIn);
}

void suite('BLOCK_STATUS', () => {
  void test('`serveNbd` merges extents that are alike', async (t) => {
    const { client, disk } = await setting(t, 'structured');
    assert.deepEqual(await status(client, { length: disk.sizeBytes }), [
      [3 * BLOCK, 0],
      [4 * BLOCK, 3],
      [BLOCK, 0],
      [100, 3],
    ]);
    assert.deepEqual(await status(client, { offset: BLOCK + 1, length: 2 * BLOCK }), [
      [2 * BLOCK - 1, 0],
      [1, 3],
    ]);
    assert.deepEqual(disk.reads, []);
  });

  void test('`serveNbd` tells one extent when REQ_ONE is set', async (t) => {
    const { client } = await setting(t, 'structured');
    const flags = REQUEST_ONE;
    assert.deepEqual(await status(client, { flags, length: 8 * BLOCK }), [[3 * BLOCK, 0]]);
    assert.deepEqual(await status(client, { flags, length: 100 }), [[100, 0]]);
    const later = { flags, offset: 4 * BLOCK, length: 4 * BLOCK };
    assert.deepEqual(await status(client, later), [[3 * BLOCK, 3]]);
  });

  void test('`serveNbd` tells of 4 GiB at once when these are alike', async (t) => {
    const size = 2 ** 33;
    const disk = Object.assign(memoryDisk(Buffer.alloc(0)), { sizeBytes: size });
    disk.extents = (_offset, lengthBytes) => Promise.resolve([{ lengthBytes, isZero: true }]);
    const { client } = await setting(t, 'structured', disk);
    const request = { offset: 2 ** 32 - 1, length: 2 ** 32 - 1 };
    assert.deepEqual(await status(client, request), [[2 ** 32 - 1, 3]]);
    client.request({ type: READ, offset: 2 ** 32 + 5, length: 10 });
    assert.deepEqual((await chunks(client)).map(describe), [`hole ${2 ** 32 + 5}+10`]);
  });

  void test('`serveNbd` tells of 8192 extents when there are more', async (t) => {
    const bytes = Buffer.alloc(9000 * 512);
    for (let block = 0; block < 9000; block += 2) bytes[block * 512] = 1;
    const { client } = await setting(t, 'structured', memoryDisk(bytes, 512));
    const extents = await status(client, { length: bytes.length });
    assert.equal(extents.length, 8192);
    assert.ok(
      extents.every(([length, flags], index) => length === 512 && flags === (index % 2) * 3),
    );
  });
});

function failing(): MemoryDisk {
  const disk = memoryDisk(Buffer.alloc(4 * MEBIBYTE, 'x'), BLOCK);
  disk.beforeRead = (offset) => {
    if (offset === 2 * MEBIBYTE) throw new Error('chunk 2 is damaged');
  };
  return disk;
}

void suite('a disk that fails', () => {
  void test('`serveNbd` tells where a read failed, and goes on', async (t) => {
    const { client, server } = await setting(t, 'structured', failing());
    client.request({ type: READ, length: 4 * MEBIBYTE });
    assert.deepEqual((await chunks(client)).map(describe), [
      `data 0+${MEBIBYTE}`,
      `data ${MEBIBYTE}+${MEBIBYTE}`,
      `error ${INPUT_OUTPUT} at ${2 * MEBIBYTE}`,
    ]);
    assert.deepEqual(server.notices, [
      'Export "vda": Cannot read 4194304 B at 0: chunk 2 is damaged',
    ]);
    client.request({ type: READ, length: 10 });
    assert.deepEqual((await chunks(client)).map(describe), ['data 0+10']);
  });

  void test('`serveNbd` sends no data of a read that failed when it must be whole', async (t) => {
    const { client, server } = await setting(t, 'structured', failing());
    client.request({ type: READ, flags: DONT_FRAGMENT, length: 4 * MEBIBYTE });
    assert.deepEqual((await chunks(client)).map(describe), [
      `error ${INPUT_OUTPUT} at ${2 * MEBIBYTE}`,
    ]);
    const simple = await transmitting(server, 'simple');
    simple.request({ type: READ, length: 4 * MEBIBYTE });
    assert.equal((await simpleReply(simple)).error, INPUT_OUTPUT);
    simple.request({ type: READ, length: 1 });
    assert.equal((await simpleReply(simple)).error, 0);
  });

  void test('`serveNbd` answers EIO when a disk does not keep its contract', async (t) => {
    const disk = memoryDisk(Buffer.alloc(BLOCK, 'x'), BLOCK);
    const { client, server } = await setting(t, 'structured', disk);
    disk.read = () => Promise.resolve(Buffer.alloc(3));
    client.request({ type: READ, length: 5 });
    assert.deepEqual((await chunks(client)).map(describe), [`error ${INPUT_OUTPUT} at 0`]);
    disk.extents = () => Promise.resolve([{ lengthBytes: 4, isZero: true }]);
    for (const type of [READ, STATUS]) {
      client.request({ type, length: 5 });
      assert.deepEqual((await chunks(client)).map(describe), [`error ${INPUT_OUTPUT}`]);
    }
    assert.equal(server.notices.length, 3);
  });
});

/** A disk whose reads wait until they are let go, by offset. */
function gated(): { disk: MemoryDisk; open: (offset: number) => void } {
  const gates = new Map<number, PromiseWithResolvers<void>>();
  const gate = (offset: number): PromiseWithResolvers<void> => {
    const known = gates.get(offset) ?? Promise.withResolvers<void>();
    gates.set(offset, known);
    return known;
  };
  const disk = memoryDisk(Buffer.alloc(4 * MEBIBYTE, 'x'), BLOCK);
  disk.beforeRead = (offset) => gate(offset).promise;
  return { disk, open: (offset) => gate(offset).resolve() };
}

void suite('requests at the same time', () => {
  void test('`serveNbd` answers a later request first when its data is there first', async (t) => {
    const { disk, open } = gated();
    const { client } = await setting(t, 'structured', disk);
    for (const cookie of [1, 2, 3]) {
      client.request({ type: READ, offset: cookie * BLOCK, length: 1, cookie });
    }
    for (const cookie of [3, 1, 2]) {
      open(cookie * BLOCK);
      assert.equal((await client.chunk()).cookie, cookie);
    }
  });

  void test('`serveNbd` takes no more requests than may be in flight', async (t) => {
    const { disk, open } = gated();
    const exports = memoryExports({ vda: () => disk });
    const server = await startServer(t, exports, { limits: { requestsInFlight: 2 } });
    const client = await transmitting(server, 'structured');
    for (const cookie of [0, 1, 2]) {
      client.request({ type: READ, offset: cookie * BLOCK, length: 1, cookie });
    }
    // A refusal would come at once if its request were taken.
    client.request({ type: 99, cookie: 99 });
    open(BLOCK);
    assert.equal((await client.chunk()).cookie, 1);
    open(2 * BLOCK);
    const later = [(await client.chunk()).cookie, (await client.chunk()).cookie];
    assert.deepEqual(later, [2, 99]);
    open(0);
    assert.equal((await client.chunk()).cookie, 0);
  });

  void test('`serveNbd` takes no more bytes than may be in flight, but one request', async (t) => {
    const { disk, open } = gated();
    const exports = memoryExports({ vda: () => disk });
    const server = await startServer(t, exports, { limits: { bytesInFlight: 1000 } });
    const client = await transmitting(server, 'structured');
    client.request({ type: READ, offset: 0, length: 5000, cookie: 1 });
    client.request({ type: READ, offset: BLOCK, length: 1000, cookie: 2 });
    client.request({ type: READ, offset: 2 * BLOCK, length: 1, cookie: 3 });
    for (const offset of [2 * BLOCK, BLOCK, 3 * BLOCK]) open(offset);
    // If the later ones were begun, they would be answered meanwhile.
    await roundTrips(await transmitting(server, 'structured'), 3 * BLOCK);
    open(0);
    const cookies = [await client.chunk(), await client.chunk(), await client.chunk()];
    assert.deepEqual(
      cookies.map(({ cookie }) => cookie),
      [1, 2, 3],
    );
  });

  void test('`serveNbd` reads at most four pieces ahead of a client', async (t) => {
    const { disk, open } = gated();
    const large = Object.assign(disk, { sizeBytes: 100 * MEBIBYTE });
    let begun = 0;
    const all = Promise.withResolvers<void>();
    large.extents = (_offset, lengthBytes) => Promise.resolve([{ lengthBytes, isZero: false }]);
    large.read = async (offset, lengthBytes) => {
      begun += 1;
      if (begun === 4) all.resolve();
      await disk.beforeRead(offset);
      return Buffer.alloc(lengthBytes, 'x');
    };
    const { client } = await setting(t, 'structured', large);
    client.request({ type: READ, length: 8 * MEBIBYTE });
    await all.promise;
    assert.equal(begun, 4);
    for (let piece = 0; piece < 8; piece += 1) open(piece * MEBIBYTE);
    assert.equal((await chunks(client)).length, 8);
  });

  void test('`serveNbd` reads no further for a client that does not take its data', async (t) => {
    const disk = memoryDisk(Buffer.alloc(32 * MEBIBYTE, 'x'), BLOCK);
    const { client, server } = await setting(t, 'structured', disk);
    client.request({ type: READ, length: 32 * MEBIBYTE });
    const other = await transmitting(server, 'structured');
    await roundTrips(other, 0);
    const pieces = disk.reads.filter(({ lengthBytes }) => lengthBytes > 1).length;
    assert.ok(pieces >= 4 && pieces < 8, `${pieces} pieces were read`);
    assert.equal((await chunks(client)).length, 32);
  });

  for (const [how, leave] of [
    ['says goodbye', (client: Client) => client.request({ type: DISCONNECT })],
    ['ends its side', (client: Client) => client.socket.end()],
    ['ends its side amid a request', (client: Client) => client.socket.end('half')],
  ] as const) {
    void test(`\`serveNbd\` answers all requests when the client ${how} after them`, async (t) => {
      const { disk, open } = gated();
      const { client, server } = await setting(t, 'structured', disk);
      client.request({ type: READ, length: 2 * MEBIBYTE });
      leave(client);
      open(0);
      open(MEBIBYTE);
      assert.deepEqual((await chunks(client)).map(describe), [
        `data 0+${MEBIBYTE}`,
        `data ${MEBIBYTE}+${MEBIBYTE}`,
      ]);
      await client.ended();
      assert.deepEqual(server.notices, []);
    });
  }

  void test('`serveNbd` closes a disk only after its last read when clients vanish', async (t) => {
    const { disk, open } = gated();
    const closed = Promise.withResolvers<void>();
    const { close } = disk;
    disk.close = async () => {
      await close();
      closed.resolve();
    };
    const exports = memoryExports({ vda: () => disk, vdb: () => memoryDisk(smallBytes()) });
    const server = await startServer(t, exports);
    const client = await transmitting(server, 'structured', 'vda');
    client.request({ type: READ, length: 4 * MEBIBYTE });
    open(0);
    await client.chunk();
    client.socket.destroy();
    const other = await transmitting(server, 'structured', 'vdb');
    await roundTrips(other, 0);
    open(MEBIBYTE);
    await roundTrips(other, 0);
    assert.deepEqual([disk.underWay, disk.isOpen], [2, true]);
    for (const piece of [2, 3]) open(piece * MEBIBYTE);
    await closed.promise;
    assert.equal(disk.underWay, 0);
  });

  void test('`serveNbd` cuts off a client that says goodbye and does not read', async (t) => {
    const disk = memoryDisk(Buffer.alloc(16 * MEBIBYTE, 'x'), BLOCK);
    const closed = Promise.withResolvers<void>();
    const { close } = disk;
    disk.close = async () => {
      await close();
      closed.resolve();
    };
    const exports = memoryExports({ vda: () => disk });
    const server = await startServer(t, exports, { limits: { lingerMs: 20 } });
    const client = await transmitting(server, 'structured');
    client.request({ type: READ, length: 16 * MEBIBYTE });
    client.request({ type: DISCONNECT });
    await closed.promise;
    client.socket.destroy();
  });
});

void suite('many clients', () => {
  void test('`serveNbd` opens a disk once for all who use it', async (t) => {
    const exports = memoryExports({
      vda: () => memoryDisk(sampleBytes(100_000)),
      vdb: () => memoryDisk(sampleBytes(200_000)),
    });
    const server = await startServer(t, exports);
    const names = ['vda', 'vda', 'vdb', 'vda'];
    const clients = await Promise.all(
      names.map((name) => transmitting(server, 'structured', name)),
    );
    assert.equal(exports.opened.length, 2);
    for (const client of clients) {
      client.request({ type: READ, offset: 70_000, length: 30_000 });
      const bytes = assemble(await chunks(client), 70_000, 30_000);
      assert.ok(bytes.equals(sampleBytes(100_000).subarray(70_000)));
    }
  });

  void test('`serveNbd` refuses a connection when as many are open as allowed', async (t) => {
    const exports = memoryExports({ vda: () => memoryDisk(smallBytes()) });
    const server = await startServer(t, exports, { limits: { connections: 2 } });
    const first = await transmitting(server, 'simple');
    const second = await transmitting(server, 'simple');
    await assert.rejects(connectClient(server.address));
    assert.deepEqual(server.notices, ['Refused a connection: 2 are open, which is the limit']);
    second.request({ type: DISCONNECT });
    await second.ended();
    first.request({ type: READ, length: 1 });
    assert.equal((await simpleReply(first)).error, 0);
    await transmitting(server, 'simple');
  });

  void test('`close` ends connections in every state, and closes their disks', async (t) => {
    const exports = memoryExports({ vda: () => memoryDisk(smallBytes()) });
    const server = await startServer(t, exports);
    const greeted = await connectClient(server.address, 'none');
    const idle = await transmitting(server, 'simple');
    const amid = await transmitting(server, 'structured');
    amid.send('half');
    await server.close();
    await Promise.all([greeted, idle, amid].map((client) => client.ended()));
    assert.deepEqual(
      exports.opened.map((disk) => disk.isOpen),
      [false],
    );
    assert.deepEqual(server.notices, []);
  });
});
