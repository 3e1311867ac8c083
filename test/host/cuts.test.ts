import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { vmDescription } from '../../src/control/host-calls.ts';
import { failure, MEBIBYTE, newWorld, testHost, type TestAgent, type TestHost } from './fixture.ts';

const FREEZE = { limitMs: 5000, holdMs: 20_000 };
const DISK_CUT = { memory: false, full: false };
const MEMORY_CUT = { memory: true, full: false };

/** A host with a machine that has booted. */
async function bootedHost() {
  const { world, clock } = newWorld();
  const host = testHost({ world, clock });
  const agent = await host.agent();
  await agent.call('create', host.wanted('job.0'));
  await agent.call('start', { vm: 'job.0' });
  await clock.sleep(2000);
  return { world, clock, host, agent };
}

async function stateOf(agent: TestAgent): Promise<string | undefined> {
  return (await agent.call('look', { job: null })).vms[0]?.state;
}

function isFrozen(host: TestHost): boolean {
  return host.simulated.machines.get('job.0')?.frozenUntilMs !== null;
}

void suite('host agent: cuts', () => {
  void test('`thaw` tells how long the guest was frozen', async () => {
    const { clock, agent, host } = await bootedHost();
    assert.deepEqual(await agent.call('freeze', { vm: 'job.0', ...FREEZE }), { frozen: true });
    await agent.call('snapshot', { vm: 'job.0', ...DISK_CUT });
    await clock.sleep(70);
    assert.ok(isFrozen(host));
    assert.deepEqual(await agent.call('thaw', { vm: 'job.0' }), { pausedMs: 70 });
    assert.ok(!isFrozen(host));
    assert.deepEqual(await agent.call('thaw', { vm: 'job.0' }), { pausedMs: 70 });
    await agent.leave();
  });

  void test('`finish-snapshot` publishes whole files in the directory of the cut', async () => {
    const { agent, host } = await bootedHost();
    await agent.call('snapshot', { vm: 'job.0', ...DISK_CUT });
    await agent.call('thaw', { vm: 'job.0' });
    const { files, disks } = await agent.call('finish-snapshot', { vm: 'job.0', cut: 'c1' });
    assert.deepEqual(
      files.map(({ name }) => name),
      ['job.0-root.raw', 'job.0-vm.json'],
    );
    for (const { name, path, sizeBytes } of files) {
      assert.equal(path, join(host.directory, 'cuts/c1', name));
      assert.equal(statSync(path).size, sizeBytes);
    }
    assert.deepEqual(
      disks.map(({ disk, mode }) => [disk, mode]),
      [['root', 'full']],
    );
    const text = readFileSync(join(host.directory, 'cuts/c1/job.0-vm.json'), 'utf8');
    const description = vmDescription.parse(JSON.parse(text));
    assert.equal(description.memory, null);
    assert.deepEqual(description.events, ['ready', 'started']);
    await agent.leave();
  });

  void test('the next snapshot is incremental after `drop-cut`', async () => {
    const { agent, host } = await bootedHost();
    const take = async (cut: string) => {
      await agent.call('snapshot', { vm: 'job.0', ...DISK_CUT });
      await agent.call('thaw', { vm: 'job.0' });
      return agent.call('finish-snapshot', { vm: 'job.0', cut });
    };
    await take('c1');
    await agent.call('drop-cut', { cut: 'c1' });
    await agent.call('drop-cut', { cut: 'c1' });
    assert.deepEqual(readdirSync(join(host.directory, 'cuts')), []);
    const { disks } = await take('c2');
    assert.equal(disks[0]?.mode, 'incremental');
    await agent.leave();
  });

  void test('a snapshot takes the names of the one before from files that change', async () => {
    const { agent, host } = await bootedHost();
    for (const cut of ['c1', 'c2']) {
      await agent.call('snapshot', { vm: 'job.0', ...DISK_CUT });
      await agent.call('thaw', { vm: 'job.0' });
      await agent.call('finish-snapshot', { vm: 'job.0', cut });
    }
    assert.deepEqual(readdirSync(join(host.directory, 'cuts/c1')), ['job.0-vm.json']);
    assert.ok(existsSync(join(host.directory, 'cuts/c2/job.0-root.raw')));
    await agent.leave();
  });

  void test('a snapshot with memory holds the machine until `thaw`', async () => {
    const { clock, agent } = await bootedHost();
    await agent.call('snapshot', { vm: 'job.0', ...MEMORY_CUT });
    assert.equal(await stateOf(agent), 'paused');
    await clock.sleep(30);
    // The simulated hypervisor takes 50 ms to save memory.
    assert.deepEqual(await agent.call('thaw', { vm: 'job.0' }), { pausedMs: 80 });
    assert.equal(await stateOf(agent), 'running');
    const { files } = await agent.call('finish-snapshot', { vm: 'job.0', cut: 'c1' });
    assert.deepEqual(
      files.map(({ name }) => name),
      ['job.0-root.raw', 'job.0-memory', 'job.0-vm.json'],
    );
    await agent.leave();
  });

  void test('a machine that was paused before the cut stays so', async () => {
    const { agent } = await bootedHost();
    await agent.call('pause', { vm: 'job.0' });
    await agent.call('snapshot', { vm: 'job.0', ...MEMORY_CUT });
    await agent.call('thaw', { vm: 'job.0' });
    assert.equal(await stateOf(agent), 'paused');
    await agent.leave();
  });

  void test('`snapshot` with memory refuses a guest that is frozen', async () => {
    const { agent } = await bootedHost();
    await agent.call('freeze', { vm: 'job.0', ...FREEZE });
    await assert.rejects(
      agent.call('snapshot', { vm: 'job.0', ...MEMORY_CUT }),
      failure('usage', /is frozen, and would be so after every restore/),
    );
    await agent.call('thaw', { vm: 'job.0' });
    await agent.leave();
  });

  void test('`finish-snapshot` refuses when the last `snapshot` failed', async () => {
    const { agent } = await bootedHost();
    await agent.call('snapshot', { vm: 'job.0', ...DISK_CUT });
    await agent.call('finish-snapshot', { vm: 'job.0', cut: 'c1' });
    await agent.call('thaw', { vm: 'job.0' });
    await agent.call('stop', { vm: 'job.0' });
    await assert.rejects(
      agent.call('snapshot', { vm: 'job.0', ...DISK_CUT }),
      failure('usage', /stopped/),
    );
    await assert.rejects(
      agent.call('finish-snapshot', { vm: 'job.0', cut: 'c2' }),
      failure('usage', /none was begun/),
    );
    await agent.leave();
  });

  void test('machines go on when the coordinator is gone', async () => {
    const { agent, host } = await bootedHost();
    await agent.call('snapshot', { vm: 'job.0', ...MEMORY_CUT });
    await agent.leave();
    assert.equal(host.simulated.machines.get('job.0')?.state, 'running');
    const next = await host.agent();
    await next.call('freeze', { vm: 'job.0', ...FREEZE });
    await next.leave();
    assert.ok(!isFrozen(host));
  });

  void test('machines go on when they were held for too long, and it is said', async () => {
    const { agent, host, clock } = await bootedHost();
    await agent.call('freeze', { vm: 'job.0', ...FREEZE });
    await clock.sleep(FREEZE.holdMs + 1);
    assert.ok(!isFrozen(host));
    assert.match(host.notices.join('\n'), /"job.0" has stood still for 20 s/);
    assert.deepEqual(await agent.call('thaw', { vm: 'job.0' }), { pausedMs: FREEZE.holdMs });
    await agent.leave();
  });

  void test('a machine that a killed agent has left paused goes on with the next one', async () => {
    const { agent, host } = await bootedHost();
    await agent.call('pause', { vm: 'job.0' });
    await agent.leave();
    const mark = join(host.directory, 'vms/job.0/cut');
    // No process has this id and began before all others.
    writeFileSync(mark, '1 0\ngoes-on\n');
    const next = await host.agent();
    assert.equal(await stateOf(next), 'running');
    assert.ok(!existsSync(mark));
    await next.leave();
  });
});

/** The files of a cut, as they come into the cache of another host. */
function bring(from: TestHost, to: TestHost) {
  const cut = join(from.directory, 'cuts/c1');
  const put = (file: string) => to.cache.put(readFileSync(join(cut, file)));
  const text = readFileSync(join(cut, 'job.0-vm.json'), 'utf8');
  const description = vmDescription.parse(JSON.parse(text));
  const hasMemory = existsSync(join(cut, 'job.0-memory'));
  const hasOutputs = existsSync(join(cut, 'job.0-kgout.raw'));
  return {
    description,
    disks: {
      root: put('job.0-root.raw'),
      ...(hasOutputs && { kgout: put('job.0-kgout.raw') }),
    },
    memory: hasMemory ? put('job.0-memory') : null,
  };
}

async function cutOf(agent: TestAgent, memory: boolean): Promise<void> {
  await agent.call('snapshot', { vm: 'job.0', memory, full: false });
  await agent.call('thaw', { vm: 'job.0' });
  await agent.call('finish-snapshot', { vm: 'job.0', cut: 'c1' });
}

void suite('host agent: `restore`', () => {
  void test('a machine with memory goes on where it was, on another host', async () => {
    const { world, clock, agent, host } = await bootedHost();
    await cutOf(agent, true);
    const there = testHost({ world, clock, name: 'node02' });
    const other = await there.agent();
    const request = bring(host, there);
    assert.deepEqual(await other.call('restore', request), { state: 'paused' });
    await other.call('resume', { vm: 'job.0' });
    await clock.sleep(15_000);
    const [found] = (await other.call('look', { job: 'job' })).vms;
    assert.deepEqual(found?.events, ['ready', 'started', 'exit 0', 'outputs 10240', 'done']);
    await agent.leave();
    await other.leave();
  });

  void test('outputs that were written before the cut are there after it', async () => {
    const { world, clock, agent, host } = await bootedHost();
    await clock.sleep(15_000);
    const archive = Buffer.alloc(MEBIBYTE, 'outputs');
    writeFileSync(join(host.directory, 'vms/job.0/job.0-outputs.tar'), archive);
    await cutOf(agent, true);
    const there = testHost({ world, clock, name: 'node02' });
    const other = await there.agent();
    await other.call('restore', bring(host, there));
    const restored = join(there.directory, 'vms/job.0/job.0-outputs.tar');
    assert.ok(readFileSync(restored).equals(archive));
    await agent.leave();
    await other.leave();
  });

  void test('a machine without memory is made to start anew, under another name', async () => {
    const { world, clock, agent, host } = await bootedHost();
    await cutOf(agent, false);
    const there = testHost({ world, clock, name: 'node02' });
    const other = await there.agent();
    const { description, ...files } = bring(host, there);
    const wanted = { ...description.wanted, name: 'again.0', job: 'again' };
    const request = { description: { ...description, wanted }, ...files };
    assert.deepEqual(await other.call('restore', request), { state: 'defined' });
    const [found] = (await other.call('look', { job: 'again' })).vms;
    assert.deepEqual([found?.name, found?.events], ['again.0', []]);
    await agent.leave();
    await other.leave();
  });

  void test('a snapshot that lacks a file, or has one too many, is refused', async () => {
    const { agent, host } = await bootedHost();
    await cutOf(agent, true);
    await agent.call('remove', { vm: 'job.0' });
    const request = bring(host, host);
    await assert.rejects(
      agent.call('restore', { ...request, memory: null }),
      failure('corrupt', /found its disk, no memory and one of devices/),
    );
    await assert.rejects(
      agent.call('restore', { ...request, disks: {} }),
      failure('corrupt', /found no disk "root"/),
    );
    const lost = { digest: 'cd'.repeat(32), sizeBytes: 1 };
    await assert.rejects(
      agent.call('restore', { ...request, memory: lost }),
      failure('usage', /cdcdcdcdcdcd; fetch them first/),
    );
    assert.deepEqual(readdirSync(join(host.directory, 'vms')), []);
    await agent.leave();
  });
});
