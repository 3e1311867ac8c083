import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { runAgent } from '../../src/agent/agent.ts';
import { SILENCE_LIMIT_MS } from '../../src/agent/limits.ts';
import { systemEntropy } from '../../src/cli/system.ts';
import type { CoordinatorChannel } from '../../src/control/channel.ts';
import { memoryChannelPair } from '../../src/control/memory-channel.ts';
import type { AgentMessage, Configuration } from '../../src/control/messages.ts';
import { createAuthority } from '../../src/transfer/identity.ts';
import { steppedClock } from '../control/clocks.ts';

const root = mkdtempSync(join(tmpdir(), 'kgetplus-agent-'));
const channels: CoordinatorChannel[] = [];
after(() => {
  // A test that failed must not keep its agent.
  for (const channel of channels) channel.close();
  rmSync(root, { recursive: true, force: true });
});

void suite('runAgent', () => {
  void test('`runAgent` resolves when its channel ends', async () => {
    const { coordinator, left } = agent();
    coordinator.close();
    await left;
  });

  void test('`runAgent` resolves, and leaves no scratch files, when its channel ends at work', async () => {
    const { coordinator, left, heard, spool } = agent();
    coordinator.send(await configuration({ spoolDirectory: spool }));
    await heard('ready');
    assert.ok(existsSync(join(spool, 'key', 'node1', 'scratch')));
    coordinator.close();
    await left;
    assert.deepEqual(readdirSync(spool), []);
  });

  void test('`runAgent` leaves when it has heard nothing for `SILENCE_LIMIT_MS`', async () => {
    const { clock, left, heard } = agent();
    clock.elapse(SILENCE_LIMIT_MS + 1);
    await heard('left');
    await left;
  });

  void test('`runAgent` stays as long as it is spoken to', async () => {
    const { clock, coordinator, left, heard } = agent();
    for (let minute = 0; minute < 5; minute += 1) {
      clock.elapse(SILENCE_LIMIT_MS);
      coordinator.send({ type: 'ping' });
      await heard('pong');
    }
    coordinator.send({ type: 'leave', emptySpool: false });
    await heard('left');
    await left;
  });

  void test('`runAgent` is unfit when its spool cannot be made', async () => {
    const { coordinator, heard, left } = agent();
    coordinator.send(await configuration({ spoolDirectory: '/proc/spool' }));
    const { failure } = await heard('unfit');
    assert.equal(failure.code, 'target-unwritable');
    assert.match(failure.message, /Cannot make the spool \/proc\/spool.*--spool/);
    // It stays to be told, and to say that it left.
    coordinator.send({ type: 'ping' });
    await heard('pong');
    coordinator.send({ type: 'leave', emptySpool: true });
    await heard('left');
    await left;
  });

  void test('`runAgent` is unfit when the target directory is not there', async () => {
    const { coordinator, heard, left, spool } = agent();
    coordinator.send(await configuration({ target: { layout: 'files', directory: spool } }));
    const { failure } = await heard('unfit');
    assert.equal(failure.code, 'target-unwritable');
    await setImmediate();
    coordinator.close();
    await left;
  });
});

let count = 0;

/** An agent under way, with the coordinator's end of its channel. */
function agent() {
  count += 1;
  const spool = join(root, String(count));
  const { coordinator, agent: channel } = memoryChannelPair();
  channels.push(coordinator);
  const clock = movingClock();
  const said: AgentMessage[] = [];
  const listeners = new Set<() => void>();
  coordinator.onEnd(() => {});
  coordinator.onMessage((message) => {
    said.push(message);
    for (const listener of listeners) listener();
  });
  const left = runAgent({ channel, clock, home: root, defaultSpool: spool, address: null });

  /** The next message of a type. */
  function heard<Type extends AgentMessage['type']>(type: Type) {
    return new Promise<Extract<AgentMessage, { type: Type }>>((resolve) => {
      const look = (): void => {
        const place = said.findIndex((message) => message.type === type);
        if (place < 0) return;
        listeners.delete(look);
        const [message] = said.splice(0, place + 1).slice(-1);
        resolve(message as Extract<AgentMessage, { type: Type }>);
      };
      listeners.add(look);
      look();
    });
  }
  return { coordinator, left, heard, clock, spool };
}

/** A stepped clock that also tells the time. */
function movingClock() {
  const clock = steppedClock();
  let nowMs = 0;
  return {
    ...clock,
    nowMs: () => nowMs,
    elapse(durationMs: number) {
      nowMs += durationMs;
      clock.pass(SILENCE_LIMIT_MS);
    },
  };
}

async function configuration(changes: Partial<Configuration>): Promise<Configuration> {
  const authority = await createAuthority(new Date());
  return {
    type: 'configure',
    node: 'node1',
    runId: systemEntropy.hex(3),
    chunkSizeBytes: 4096,
    identity: await authority.issue('node1'),
    targetKey: 'key',
    spoolDirectory: null,
    target: null,
    uploadBytesPerSecond: null,
    downloadBytesPerSecond: null,
    ...changes,
  };
}
