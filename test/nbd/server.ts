import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { serveNbd, type NbdOptions, type NbdServer } from '../../src/nbd/serve-nbd.ts';
import { connectClient, contextData, infoData, type Client } from './client.ts';
import type { MemoryExports } from './memory-disk.ts';

export interface TestServer extends NbdServer {
  readonly exports: MemoryExports;
  readonly notices: string[];
}

export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'kgetplus-nbd-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A server that ends with the test, when all disks must have been closed. */
export async function startServer(
  t: TestContext,
  exports: MemoryExports,
  options: Partial<NbdOptions> = {},
): Promise<TestServer> {
  const notices: string[] = [];
  const path = join(temporaryDirectory(t), 'nbd.sock');
  const server = await serveNbd({
    listen: { kind: 'unix', path },
    exports,
    onNotice: (text) => notices.push(text),
    ...options,
  });
  t.after(async () => {
    await server.close();
    assert.deepEqual(
      exports.opened.filter((disk) => disk.isOpen),
      [],
    );
  });
  return { ...server, exports, notices };
}

/** A client that has chosen `name` and may send requests. */
export async function transmitting(
  server: TestServer,
  replies: 'simple' | 'structured',
  name = '',
): Promise<Client> {
  const client = await connectClient(server.address);
  if (replies === 'structured') {
    await client.option(8);
    await client.option(10, contextData(name, ['base:allocation']));
  }
  const answer = await client.option(7, infoData(name));
  assert.equal(answer.at(-1)?.type, 1);
  return client;
}
