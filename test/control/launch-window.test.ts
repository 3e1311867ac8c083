import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AgentLauncher, LaunchedAgent } from '../../src/control/channel.ts';
import { windowed } from '../../src/control/launch-window.ts';
import { memoryChannelPair } from '../../src/control/memory-channel.ts';

const never = new AbortController().signal;

/** A launcher whose launches succeed when told. */
function manual() {
  const pending: { node: string; finish: () => void; fail: () => void }[] = [];
  const launcher: AgentLauncher = {
    launch: (node) =>
      new Promise<LaunchedAgent>((resolve, reject) => {
        const finish = () => resolve({ channel: memoryChannelPair().coordinator, address: node });
        pending.push({ node, finish, fail: () => reject(new Error('no')) });
      }),
  };
  return { launcher, pending, started: () => pending.map(({ node }) => node) };
}

void describe('windowed', () => {
  void it('`windowed` starts the next one when one has started or failed', async () => {
    const { launcher, pending, started } = manual();
    const limited = windowed(launcher, 2);
    const launches = ['a', 'b', 'c', 'd'].map((node) => limited.launch(node, never));
    await new Promise(setImmediate);
    assert.deepEqual(started(), ['a', 'b']);
    pending[1]?.finish();
    assert.equal((await launches[1])?.address, 'b');
    await new Promise(setImmediate);
    assert.deepEqual(started(), ['a', 'b', 'c']);
    pending[0]?.fail();
    await assert.rejects(async () => launches[0]);
    await new Promise(setImmediate);
    assert.deepEqual(started(), ['a', 'b', 'c', 'd']);
    for (const { finish } of pending) finish();
    await Promise.all(launches.slice(1));
  });

  void it('`windowed` rejects with `cancelled` when a launch is aborted before its turn', async () => {
    const { launcher, pending, started } = manual();
    const limited = windowed(launcher, 1);
    const abort = new AbortController();
    const first = limited.launch('a', never);
    const second = limited.launch('b', abort.signal);
    const third = limited.launch('c', never);
    abort.abort();
    await assert.rejects(second, { code: 'cancelled' });
    pending[0]?.finish();
    await first;
    await new Promise(setImmediate);
    assert.deepEqual(started(), ['a', 'c']);
    pending[1]?.finish();
    await third;
  });
});
