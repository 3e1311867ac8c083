import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { NbdAddress } from '../../src/nbd/listen.ts';
import { socketWire, type SocketWire } from '../../src/nbd/wire.ts';

/** A client that says what it is told, right or wrong, and takes replies apart. */
export interface Client {
  readonly socket: Socket;
  readonly wire: SocketWire;
  read(count: number): Promise<Buffer>;
  send(...parts: readonly (Buffer | string)[]): void;
  /** Sends an option, and reads all replies to it up to the last one. */
  option(option: number, data?: Buffer): Promise<OptionReply[]>;
  request(request: RequestFields): void;
  chunk(): Promise<Chunk>;
  /** Resolves when the server has closed; what it said before is thrown away. */
  ended(): Promise<void>;
}

export interface OptionReply {
  readonly type: number;
  readonly data: Buffer;
}

export interface RequestFields {
  readonly type: number;
  readonly offset?: number | bigint;
  readonly length?: number;
  readonly flags?: number;
  readonly cookie?: number;
}

export interface Chunk {
  readonly isLast: boolean;
  readonly type: number;
  readonly cookie: number;
  readonly body: Buffer;
}

/** Connects and reads the greeting; sends client flags unless told not to. */
export async function connectClient(
  address: NbdAddress,
  flags: number | 'none' = 3,
): Promise<Client> {
  const socket = address.kind === 'unix' ? connect(address.path) : connect(address);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const client = clientOf(socket);
  const greeting = await client.read(18);
  assert.equal(greeting.toString('latin1'), 'NBDMAGICIHAVEOPT\u0000\u0003');
  if (flags !== 'none') client.send(u32(flags));
  return client;
}

export function clientOf(socket: Socket): Client {
  const wire = socketWire(socket);

  async function read(count: number): Promise<Buffer> {
    const bytes = await wire.read(count);
    assert.ok(bytes !== undefined, 'the server has not closed');
    return bytes;
  }

  async function option(type: number, data = Buffer.alloc(0)): Promise<OptionReply[]> {
    socket.write(encodeOption(type, data));
    const replies: OptionReply[] = [];
    for (;;) {
      const head = await read(20);
      assert.equal(head.toString('hex', 0, 8), '0003e889045565a9');
      assert.equal(head.readUInt32BE(8), type);
      const reply = { type: head.readUInt32BE(12), data: await read(head.readUInt32BE(16)) };
      replies.push(reply);
      if (reply.type === 1 || reply.type >= 2 ** 31) return replies;
    }
  }

  async function chunk(): Promise<Chunk> {
    const head = await read(20);
    assert.equal(head.readUInt32BE(0), 0x668e33ef);
    return {
      isLast: head.readUInt16BE(4) === 1,
      type: head.readUInt16BE(6),
      cookie: Number(head.readBigUInt64BE(8)),
      body: await read(head.readUInt32BE(16)),
    };
  }

  async function ended(): Promise<void> {
    while ((await wire.read(1)) !== undefined);
    socket.destroy();
  }

  return {
    socket,
    wire,
    read,
    send: (...parts) => {
      for (const part of parts) socket.write(part);
    },
    option,
    request: (fields) => socket.write(encodeRequest(fields)),
    chunk,
    ended,
  };
}

export function encodeOption(option: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from('IHAVEOPT'), u32(option), u32(data.length), data]);
}

export function encodeRequest({ type, offset, length, flags, cookie }: RequestFields): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.writeUInt32BE(0x25609513, 0);
  bytes.writeUInt16BE(flags ?? 0, 4);
  bytes.writeUInt16BE(type, 6);
  bytes.writeBigUInt64BE(BigInt(cookie ?? 0), 8);
  bytes.writeBigUInt64BE(BigInt(offset ?? 0), 16);
  bytes.writeUInt32BE(length ?? 0, 24);
  return bytes;
}

/** The data of INFO and GO. */
export function infoData(name: string, types: readonly number[] = []): Buffer {
  return Buffer.concat([string(name), u16(types.length), ...types.map(u16)]);
}

/** The data of the options about metadata contexts. */
export function contextData(name: string, queries: readonly string[]): Buffer {
  return Buffer.concat([string(name), u32(queries.length), ...queries.map(string)]);
}

export function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u32(bytes.length), bytes]);
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
