import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import type { DeployedFile, WantedVm } from '../../src/control/host-calls.ts';
import type { Hypervisor } from '../../src/hypervisor/hypervisor.ts';
import { failure, MEBIBYTE, newWorld, testHost } from './fixture.ts';

const BYTES = Buffer.alloc(MEBIBYTE, 'later');
const FILE: DeployedFile = {
  digest: createHash('sha256').update(BYTES).digest('hex'),
  sizeBytes: BYTES.length,
};
const OVER_NBD: Partial<WantedVm> = {
  disk: { file: FILE, format: 'raw', nbdUrl: 'nbd://10.0.0.1:4711/secret' },
};
const VM = { vm: 'job.0' };

/** A machine that runs and reads its disk over NBD. */
async function runningOverNbd(wrap?: (hypervisor: Hypervisor) => Hypervisor) {
  const { world, clock } = newWorld();
  const host = testHost({ world, clock });
  const agent = await host.agent(wrap);
  await agent.call('create', host.wanted('job.0', OVER_NBD));
  await agent.call('start', VM);
  const nbdUrl = async () => (await agent.call('describe', VM)).wanted?.disk.nbdUrl;
  return { world, clock, host, agent, nbdUrl };
}

void suite('host agent: `switch-base`', () => {
  void test('`switch-base` has a machine read the file, and be made from it again', async () => {
    const { host, agent, nbdUrl } = await runningOverNbd();
    await assert.rejects(
      agent.call('switch-base', VM),
      failure('usage', /1 of its files are not on node01/),
    );
    assert.equal(await nbdUrl(), 'nbd://10.0.0.1:4711/secret');
    host.cache.put(BYTES);
    for (const _ of ['once', 'again']) await agent.call('switch-base', VM);
    assert.equal(await nbdUrl(), null);
    const base = host.simulated.machines.get('job.0')?.disks.get('root')?.base;
    assert.deepEqual(base, { path: host.cache.pathOf(FILE.digest), format: 'raw' });
    await agent.leave();
  });

  void test('`switch-base` can be done again when it was broken off', async () => {
    let isFirst = true;
    const { host, agent, nbdUrl } = await runningOverNbd((inner) => ({
      ...inner,
      async switchBase(...words) {
        await inner.switchBase?.(...words);
        if (isFirst) assert.fail('nobody answers');
      },
    }));
    host.cache.put(BYTES);
    await assert.rejects(agent.call('switch-base', VM), failure('internal', /nobody answers/));
    assert.notEqual(await nbdUrl(), null);
    isFirst = false;
    await agent.call('switch-base', VM);
    assert.equal(await nbdUrl(), null);
    await agent.leave();
  });

  void test('`switch-base` waits for the end of a cut', async () => {
    const { host, agent, nbdUrl } = await runningOverNbd();
    host.cache.put(BYTES);
    const inCut = failure('usage', /a snapshot of it is being taken; try again after it/);
    await agent.call('freeze', { ...VM, limitMs: 5000, holdMs: 60_000 });
    await assert.rejects(agent.call('switch-base', VM), inCut);
    await agent.call('snapshot', { ...VM, memory: false, full: false });
    await agent.call('thaw', VM);
    await assert.rejects(agent.call('switch-base', VM), inCut);
    await agent.call('finish-snapshot', { ...VM, cut: 'c1' });
    await agent.call('switch-base', VM);
    assert.equal(await nbdUrl(), null);
    await agent.leave();
  });

  void test('`switch-base` refuses when the hypervisor cannot', async () => {
    const { host, agent } = await runningOverNbd((inner) => {
      const { switchBase: _switchBase, ...others } = inner;
      return others;
    });
    host.cache.put(BYTES);
    await assert.rejects(
      agent.call('switch-base', VM),
      failure('usage', /simulated cannot do that while it runs/),
    );
    await agent.leave();
  });

  void test('a machine that reads over NBD moves only where its disk is, and reads it there', async () => {
    const { world, clock, host, agent } = await runningOverNbd();
    const target = testHost({ world, clock, name: 'node02' });
    const there = await target.agent();
    const { wanted } = await agent.call('describe', VM);
    assert.ok(wanted !== null);
    const request = { wanted, address: '10.0.0.2', sharedStorage: false, source: 'node01' };
    await assert.rejects(
      there.call('prepare-migration', request),
      failure('usage', /1 of its files are not on node02/),
    );
    target.cache.put(BYTES);
    await there.call('prepare-migration', request);
    assert.equal((await there.call('describe', VM)).wanted?.disk.nbdUrl, null);
    await there.call('abandon-migration', VM);
    await there.leave();
    await agent.leave();
    assert.deepEqual(host.notices, []);
  });
});
