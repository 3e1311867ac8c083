import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Authority } from '../../src/transfer/identity.ts';
import { peerName } from '../../src/transfer/peer-name.ts';
import { trust } from '../../src/transfer/trust.ts';
import { listening, portOf } from '../transfer/scripted.ts';

const HOST = '127.0.0.1';

/** A TCP connection to a port of this host, and no more. */
export async function tcp(port: number): Promise<Socket> {
  const socket = connect(port, HOST).on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** A connection with a certificate of `authority` for `node`; it does not care who is there. */
export async function dialAs(authority: Authority, node: string, port: number): Promise<TLSSocket> {
  const identity = await authority.issue(node);
  const options = { ...trust(identity), port, host: HOST, servername: peerName('sender') };
  const socket = connectTls({ ...options, rejectUnauthorized: false });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

/** Resolves when the connection has ended, however; what came is thrown away. */
export async function ended(socket: Socket): Promise<void> {
  socket.on('error', () => undefined).resume();
  if (socket.closed) return;
  await new Promise((resolve) => {
    socket.once('close', resolve);
  });
}

/** A port that leads to another one, and keeps what goes there; `answers` takes what comes back. */
export async function recorder(
  port: number,
  answers: Buffer[] = [],
): Promise<AsyncDisposable & RecordedPort> {
  const sent: Buffer[] = [];
  const sockets: Socket[] = [];
  const server: Server = createServer((inner) => {
    const outer = connect(port, HOST);
    inner.on('data', (bytes: Buffer) => sent.push(bytes));
    outer.on('data', (bytes: Buffer) => answers.push(bytes));
    for (const socket of [inner, outer]) sockets.push(socket.on('error', () => undefined));
    inner.pipe(outer).pipe(inner);
  });
  await listening(server);
  return {
    port: portOf(server),
    bytes: () => Buffer.concat(sent),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

interface RecordedPort {
  readonly port: number;
  /** What connections have sent so far. */
  bytes(): Buffer;
}
