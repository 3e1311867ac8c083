import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AgentLauncher, LaunchedAgent } from '../../src/control/channel.ts';
import { windowed } from '../../src/control/launch-window.ts';
import { memoryChannelPair } from '../../src/control/memory-channel.ts';
import { steppedClock } from './clocks.ts';

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
    const limited = windowed(launcher, { clock: steppedClock(), processors: 8, window: 2 });
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

  void it('`windowed` begins with a few, and starts two for each launch that ends', async () => {
    const { launcher, pending, started } = manual();
    const limited = windowed(launcher, { clock: steppedClock(), processors: 8 });
    const nodes = Array.from({ length: 40 }, (_, index) => `n${index}`);
    const launches = nodes.map((node) => limited.launch(node, never));
    await new Promise(setImmediate);
    assert.equal(started().length, 8);
    for (const { finish } of pending.slice(0, 4)) finish();
    await new Promise(setImmediate);
    assert.deepEqual(started(), nodes.slice(0, 16));
    for (const { finish } of pending) finish();
    await new Promise(setImmediate);
    for (const { finish } of pending) finish();
    await Promise.all(launches);
    assert.deepEqual(started(), nodes);
  });

  void it('`windowed` starts more with time when the first nodes do not answer', async () => {
    const { launcher, pending, started } = manual();
    const clock = steppedClock();
    const limited = windowed(launcher, { clock, processors: 8, window: 10 });
    const launches = Array.from({ length: 12 }, async (_, node) =>
      limited.launch(`${node}`, never),
    );
    await new Promise(setImmediate);
    assert.equal(started().length, 8);
    clock.pass(100);
    await new Promise(setImmediate);
    assert.equal(started().length, 10);
    for (const { finish } of pending) finish();
    await new Promise(setImmediate);
    for (const { finish } of pending) finish();
    await Promise.all(launches);
  });

  void it('`windowed` rejects with `cancelled` when a launch is aborted before its turn', async () => {
    const { launcher, pending, started } = manual();
    const limited = windowed(launcher, { clock: steppedClock(), processors: 8, window: 1 });
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
