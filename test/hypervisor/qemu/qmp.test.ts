import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { systemClock } from '../../../src/base/system-clock.ts';
import { connectQmp, QmpRefusal } from '../../../src/hypervisor/qemu/qmp.ts';
import { refuses } from '../contract/refusals.ts';

const GREETING = '{"QMP": {"version": {}, "capabilities": []}}\n';

/** A monitor that does with each line what it is told to. */
async function monitor(
  greeting: string,
  answer: (line: { execute: string; id: number }, socket: Socket) => void,
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'kgetplus-qmp-'));
  const path = join(directory, 'socket');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).write(greeting);
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) answer(JSON.parse(line), socket);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return path;
}

const say = (socket: Socket, value: object): void => {
  socket.write(`${JSON.stringify(value)}\n`);
};

void suite('connectQmp', () => {
  const options = { clock: systemClock, title: 'machine "a"', limitMs: 100 };

  void test('`connectQmp` gives up when nobody greets', async () => {
    await refuses('timeout', connectQmp({ ...options, path: await monitor('', () => undefined) }));
  });

  void test('`connectQmp` says so when nobody listens', async () => {
    await refuses('unreachable', connectQmp({ ...options, path: '/nonexistent/socket' }));
  });

  void test('`execute` returns, refuses, and gives up when no answer comes', async () => {
    const path = await monitor(GREETING, ({ execute, id }, socket) => {
      if (execute === 'qmp_capabilities') say(socket, { return: {}, id });
      if (execute === 'query') say(socket, { return: { status: 'running' }, id });
      if (execute === 'bad') say(socket, { error: { class: 'GenericError', desc: 'no' }, id });
    });
    const qmp = await connectQmp({ ...options, path });
    assert.deepEqual(await qmp.execute('query'), { status: 'running' });
    await assert.rejects(qmp.execute('bad'), (error) => {
      return error instanceof QmpRefusal && error.reason === 'no';
    });
    await refuses('timeout', qmp.execute('hang'));
    assert.deepEqual(await qmp.execute('query'), { status: 'running' });
    qmp.close();
    await refuses('cancelled', qmp.execute('query'));
  });

  void test('`onEvent` calls back when QEMU tells, and its end ends what is under way', async () => {
    const path = await monitor(GREETING, ({ execute, id }, socket) => {
      if (execute === 'qmp_capabilities') say(socket, { return: {}, id });
      if (execute === 'tell') {
        socket.write('no JSON\n');
        say(socket, { event: 'STOP', timestamp: {} });
        say(socket, { return: {}, id });
      }
      if (execute === 'end') socket.destroy();
    });
    const qmp = await connectQmp({ ...options, path });
    const told: string[] = [];
    qmp.onEvent(({ name }) => told.push(name));
    await qmp.execute('tell');
    assert.deepEqual(told, ['STOP']);
    await refuses('cancelled', qmp.execute('end'));
    assert.ok(qmp.ended.aborted);
  });
});
