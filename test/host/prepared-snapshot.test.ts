import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { newWorld, testHost } from './fixture.ts';

const VM = { vm: 'job.0' };
const FREEZE = { ...VM, limitMs: 5000, holdMs: 20_000 };

/** A host with a machine that has booted. */
async function bootedHost() {
  const { world, clock } = newWorld();
  const host = testHost({ world, clock });
  const agent = await host.agent();
  await agent.call('create', host.wanted('job.0'));
  await agent.call('start', VM);
  await clock.sleep(2000);
  return { clock, agent };
}

async function take(agent: Awaited<ReturnType<typeof bootedHost>>['agent'], memory = false) {
  await agent.call('snapshot', { ...VM, memory, full: false });
  await agent.call('thaw', VM);
  const { files } = await agent.call('finish-snapshot', { ...VM, cut: 'c1' });
  return files.map(({ name }) => name);
}

void suite('host agent: prepared snapshots', () => {
  void test('`snapshot` fixes the point of what was prepared, while the guest is frozen', async () => {
    const { clock, agent } = await bootedHost();
    await agent.call('prepare-snapshot', { ...VM, full: false });
    await clock.sleep(500);
    assert.deepEqual(await agent.call('freeze', FREEZE), { frozen: true });
    assert.deepEqual(await take(agent), ['job.0-root.raw', 'job.0-vm.json']);
    await agent.leave();
  });

  void test('`thaw` undoes what was prepared, and another snapshot can be taken', async () => {
    const { agent } = await bootedHost();
    await agent.call('prepare-snapshot', { ...VM, full: false });
    await agent.call('thaw', VM);
    await agent.call('prepare-snapshot', { ...VM, full: false });
    assert.deepEqual(await take(agent), ['job.0-root.raw', 'job.0-vm.json']);
    await agent.leave();
  });

  void test('a snapshot that nobody takes is given up after a while', async () => {
    const { clock, agent } = await bootedHost();
    await agent.call('prepare-snapshot', { ...VM, full: false });
    await clock.sleep(46_000);
    assert.deepEqual(await take(agent), ['job.0-root.raw', 'job.0-vm.json']);
    await agent.leave();
  });

  void test('a snapshot with memory is taken in the place of one without that was prepared', async () => {
    const { agent } = await bootedHost();
    await agent.call('prepare-snapshot', { ...VM, full: false });
    const names = await take(agent, true);
    assert.deepEqual(names, ['job.0-root.raw', 'job.0-memory', 'job.0-vm.json']);
    await agent.leave();
  });

  void test('an agent leaves though a snapshot is prepared', async () => {
    const { agent } = await bootedHost();
    await agent.call('prepare-snapshot', { ...VM, full: false });
    await agent.leave();
  });
});
