/**
 * A stranger in the network of a run, as a process: told `HOST PORT` a line on standard input, it
 * does to each all that it can think of, until its input ends.
 */
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { createAuthority } from '../../src/transfer/identity.ts';
import { trust } from '../../src/transfer/trust.ts';

interface Target {
  readonly host: string;
  readonly port: number;
}

/** So many connections of each kind to each target, all the time. */
const CONNECTIONS: Readonly<Record<string, number>> = {
  silent: 150,
  stuck: 100,
  trickling: 10,
  garbage: 5,
  unknown: 3,
  foreign: 3,
};
/** Before a connection that has ended is made again. */
const PAUSE_MS = 100;
/** The head of a handshake record of 16 KiB that never comes. */
const RECORD_HEAD = Buffer.from([22, 3, 1, 64, 0, 1, 0, 63, 0, 3, 3]);

const identity = await (await createAuthority(new Date())).issue('stranger');

const attacks: Readonly<Record<string, (target: Target) => Socket>> = {
  silent: tcp,
  stuck: (target) => said(tcp(target), RECORD_HEAD),
  trickling: (target) => {
    const socket = said(tcp(target), RECORD_HEAD);
    const trickle = setInterval(() => socket.write('\0'), 1000);
    return socket.on('close', () => clearInterval(trickle));
  },
  garbage: (target) => said(tcp(target), Buffer.alloc(100_000, 'garbage')),
  unknown: (target) => connectTls({ ...target, rejectUnauthorized: false }),
  foreign: (target) => connectTls({ ...target, ...trust(identity), rejectUnauthorized: false }),
};

function tcp({ host, port }: Target): Socket {
  return connect(port, host);
}

function said(socket: Socket, bytes: Buffer): Socket {
  socket.write(bytes);
  return socket;
}

async function attack(target: Target, dial: (target: Target) => Socket): Promise<never> {
  for (;;) {
    const socket = dial(target).on('error', () => undefined);
    // It never reads: whatever is sent to it stays where it is.
    socket.pause();
    await new Promise((resolve) => {
      socket.on('close', resolve).on('end', resolve);
    });
    socket.destroy();
    await delay(PAUSE_MS);
  }
}

for await (const line of createInterface(process.stdin)) {
  const [host = '', port] = line.split(' ');
  const target = { host, port: Number(port) };
  for (const [kind, count] of Object.entries(CONNECTIONS)) {
    const dial = attacks[kind] ?? tcp;
    for (let one = 0; one < count; one += 1) void attack(target, dial);
  }
}
process.exit();
