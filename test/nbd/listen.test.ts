import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KgetError, type ErrorCode } from '../../src/base/error.ts';
import type { NbdAddress } from '../../src/nbd/listen.ts';
import { serveNbd, type NbdServer } from '../../src/nbd/serve-nbd.ts';
import { connectClient } from './client.ts';
import { memoryDisk, memoryExports, sampleBytes } from './memory-disk.ts';
import { startServer, temporaryDirectory, transmitting } from './server.ts';

function tryServe(listen: NbdAddress): Promise<NbdServer> {
  return serveNbd({ listen, exports: memoryExports({}), onNotice: assert.fail });
}

function withCode(code: ErrorCode, text: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof KgetError && error.code === code && text.test(error.message);
}

/** Leaves a socket behind as a process does that is killed. */
const DIE_LISTENING = `
  require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 9));
`;

void test('`serveNbd` takes the place of a server that left its socket behind', async (t) => {
  const path = join(temporaryDirectory(t), 'nbd.sock');
  assert.throws(() => execFileSync(process.execPath, ['-e', DIE_LISTENING, path]));
  assert.ok(existsSync(path));
  const exports = memoryExports({ vda: () => memoryDisk(sampleBytes(4096)) });
  const server = await startServer(t, exports, { listen: { kind: 'unix', path } });
  await transmitting(server, 'simple');
  await server.close();
  assert.ok(!existsSync(path));
});

void test('`serveNbd` throws `unreachable` when another server listens there', async (t) => {
  for (const listen of [
    { kind: 'unix', path: join(temporaryDirectory(t), 'nbd.sock') },
    { kind: 'tcp', host: '127.0.0.1', port: 0 },
  ] as const) {
    const exports = memoryExports({ vda: () => memoryDisk(sampleBytes(4096)) });
    const server = await startServer(t, exports, { listen });
    await assert.rejects(tryServe(server.address), withCode('unreachable', /EADDRINUSE/));
    await transmitting(server, 'simple');
  }
});

void test('`serveNbd` does not remove a file that is in its way', async (t) => {
  const path = join(temporaryDirectory(t), 'file');
  writeFileSync(path, 'precious');
  await assert.rejects(tryServe({ kind: 'unix', path }), withCode('unreachable', /EADDRINUSE/));
  assert.ok(existsSync(path));
});

void test('`serveNbd` throws `usage` when the path of its socket is too long', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'x'.repeat(107 - directory.length));
  await assert.rejects(tryServe({ kind: 'unix', path }), withCode('usage', /108 B, at most 107 B/));
  const longest: NbdAddress = { kind: 'unix', path: path.slice(0, -1) };
  const server = await startServer(t, memoryExports({}), { listen: longest });
  (await connectClient(server.address)).socket.destroy();
});
