import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VERSION } from '../../src/base/version.ts';
import { AGENT_DIALECT, type CoordinatorChannel } from '../../src/control/channel.ts';
import { localLauncher } from '../../src/control/local-launcher.ts';
import type { AgentMessage } from '../../src/control/messages.ts';
import { createAuthority } from '../../src/transfer/identity.ts';
import { pull } from '../../src/transfer/pull.ts';
import { unlimited } from '../../src/transfer/rate-limit.ts';
import { realClock } from '../control/clocks.ts';
import { CHUNK_BYTES, memoryLanding, noise } from '../transfer/memory.ts';

const AGENT = join(import.meta.dirname, '../../src/agent/main.ts');

void test('an agent serves what the run has named, and nothing else of its host', async () => {
  const root = mkdtempSync(join(tmpdir(), 'kgetplus-strangers-'));
  for (const name of ['disk', 'secret']) writeFileSync(join(root, name), noise(3 * CHUNK_BYTES));
  const authority = await createAuthority(new Date());
  const launcher = localLauncher({
    agentFile: AGENT,
    version: VERSION,
    dialect: AGENT_DIALECT,
    clock: realClock,
  });
  const { channel } = await launcher.launch('node1', new AbortController().signal);
  try {
    const heard = hear(channel);
    channel.send({
      type: 'configure',
      node: 'node1',
      runId: 'run',
      chunkSizeBytes: CHUNK_BYTES,
      identity: await authority.issue('node1'),
      targetKey: 'key',
      spoolDirectory: join(root, 'spool'),
      target: null,
      uploadBytesPerSecond: null,
      downloadBytesPerSecond: null,
      orphanMs: 0,
      stallMs: 15_000,
      silenceMs: 60_000,
    });
    const { port } = await heard('ready');
    channel.send({ type: 'find', patterns: [join(root, 'disk')] });
    await heard('scanned');
    const identity = await authority.issue('node2');

    /** How a pull of an image ends: `arrived`, or the error's code. */
    const fetched = async (image: string): Promise<string> => {
      const outcome = await pull({
        identity,
        from: { node: 'node1', host: '127.0.0.1', port },
        image,
        land: (sizeBytes) => Promise.resolve(memoryLanding({ sizeBytes })),
        chunkSizeBytes: CHUNK_BYTES,
        download: unlimited,
        signal: new AbortController().signal,
      }).outcome;
      return outcome.state === 'failed' ? outcome.error.code : outcome.state;
    };

    const secret = join(root, 'secret');
    const ids = [
      secret,
      `node1:${secret}`,
      `node1:${root}/../${root}/secret`,
      `node1:${root}/disk/../secret`,
      `node1:${root}/./disk`,
      `node1:${root}/disk\0`,
      `node1:${root}/disk/`,
      `node2:${root}/disk`,
      `:${root}/disk`,
      'node1:/etc/passwd',
      'node1:',
      '../../../../etc/passwd',
      '__proto__',
      '',
    ];
    for (const id of ids) assert.equal(await fetched(id), 'source-unreadable', id);
    assert.equal(await fetched(`node1:${root}/disk`), 'arrived');
  } finally {
    channel.close();
    rmSync(root, { recursive: true, force: true });
  }
});

/** Waits for the next message of a type. */
function hear(channel: CoordinatorChannel) {
  const said: AgentMessage[] = [];
  let wake: (() => void) | undefined;
  channel.onEnd(() => undefined);
  channel.onMessage((message) => {
    said.push(message);
    wake?.();
  });
  return async <Type extends AgentMessage['type']>(type: Type) => {
    for (;;) {
      const found = said.find((message) => message.type === type);
      if (found !== undefined) return found as Extract<AgentMessage, { type: Type }>;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}
