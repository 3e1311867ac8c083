import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { failure, JOB_SCRIPT, MEBIBYTE, newWorld, testHost } from './fixture.ts';

void suite('host agent: life of a machine', () => {
  void test('`create` and `start` run a job whose events and log `look` and `log` tell', async () => {
    const { world, clock } = newWorld();
    const host = testHost({ world, clock });
    const agent = await host.agent();
    await agent.call('create', host.wanted('job.0'));
    await agent.call('start', { vm: 'job.0' });
    await clock.sleep(20_000);
    const { vms } = await agent.call('look', { job: 'job' });
    const [found] = vms;
    assert.deepEqual(found?.events, ['ready', 'started', 'exit 0', 'outputs 10240', 'done']);
    assert.equal(found?.state, 'running');
    assert.equal(found.memoryBytes, 128 * MEBIBYTE);
    const outputs = join(host.directory, 'vms/job.0/job.0-outputs.tar');
    assert.equal(found.outputsPath, outputs);
    assert.equal(statSync(outputs).size, MEBIBYTE);
    const log = await agent.call('log', { vm: 'job.0', source: 'command', offset: 0 });
    assert.deepEqual(log, { text: 'half\n', nextOffset: 5, totalBytes: 5 });
    assert.deepEqual(await agent.call('shutdown', { vm: 'job.0', limitMs: 5000 }), {
      how: 'clean',
    });
    const after = await agent.call('look', { job: 'job' });
    assert.equal(after.vms[0]?.exit?.reason, 'guest');
    await agent.leave();
    assert.ok(host.cache.closed);
  });

  void test('machines outlive the agent, and the next one finds them', async () => {
    const { world, clock } = newWorld();
    const host = testHost({ world, clock });
    const first = await host.agent();
    await first.call('create', host.wanted('job.0'));
    await first.call('start', { vm: 'job.0' });
    await first.leave();
    const second = await host.agent();
    const { vms } = await second.call('look', { job: null });
    assert.deepEqual(
      vms.map(({ name, job, state }) => ({ name, job, state })),
      [{ name: 'job.0', job: 'job', state: 'running' }],
    );
    await second.leave();
  });

  void test('`look` says that a machine was killed from outside', async () => {
    const { world, clock } = newWorld();
    const host = testHost({ world, clock });
    const agent = await host.agent();
    await agent.call('create', host.wanted('job.0'));
    await agent.call('start', { vm: 'job.0' });
    host.simulated.kill('job.0');
    const { vms } = await agent.call('look', { job: null });
    assert.equal(vms[0]?.exit?.reason, 'killed');
    await agent.leave();
  });

  void test('`create` refuses an image for another architecture, and leaves nothing', async () => {
    const { world, clock } = newWorld();
    const host = testHost({ world, clock });
    const agent = await host.agent();
    await assert.rejects(
      agent.call('create', host.wanted('job.0', { arch: 'aarch64' })),
      failure('usage', /the image is aarch64, node01 is x86_64/),
    );
    assert.deepEqual(readdirSync(join(host.directory, 'vms')), []);
    await agent.leave();
  });

  void test('`create` refuses a machine whose files are not here', async () => {
    const { world, clock } = newWorld();
    const host = testHost({ world, clock });
    const agent = await host.agent();
    const file = { digest: 'ab'.repeat(32), sizeBytes: 1 };
    await assert.rejects(
      agent.call('create', host.wanted('job.0', { disk: { file, format: 'raw', nbdUrl: null } })),
      failure('usage', /1 of its files are not on node01, the first is abababababab; fetch them/),
    );
    // Over the network it can boot at once.
    const nbdUrl = 'nbd://frontend:10809/disk';
    await agent.call('create', host.wanted('job.0', { disk: { file, format: 'raw', nbdUrl } }));
    await agent.leave();
  });

  void test('`create` refuses a second machine of a name, and the first stays', async () => {
    const { world, clock } = newWorld();
    const host = testHost({ world, clock });
    const agent = await host.agent();
    await agent.call('create', host.wanted('job.0'));
    await assert.rejects(
      agent.call('create', host.wanted('job.0')),
      failure('usage', /is on this node already/),
    );
    await agent.call('start', { vm: 'job.0' });
    await agent.leave();
  });

  void test('`create` leaves nothing when the hypervisor refuses', async () => {
    const { world, clock } = newWorld();
    const host = testHost({ world, clock, memoryLimitBytes: 1024 * MEBIBYTE });
    const agent = await host.agent((hypervisor) => ({
      ...hypervisor,
      create: async () => assert.fail('no qemu-img'),
    }));
    await assert.rejects(
      agent.call('create', host.wanted('job.0')),
      failure('internal', /qemu-img/),
    );
    assert.deepEqual(readdirSync(join(host.directory, 'vms')), []);
    assert.deepEqual(readdirSync(join(host.directory, 'reservations')), []);
    await agent.leave();
  });

  void test('`create` refuses a machine for whose outputs there is no room', async () => {
    const { world, clock } = newWorld();
    const host = testHost({ world, clock });
    const agent = await host.agent();
    const wanted = host.wanted('job.0');
    assert.ok(wanted.task !== null);
    const task = { ...wanted.task, outputRoomBytes: 2 ** 52 };
    await assert.rejects(
      agent.call('create', { ...wanted, task }),
      failure('no-room', /Cannot store machine "job.0": .* needed/),
    );
    await agent.leave();
  });

  void test('memory is given to as many machines as there is for, and to others when it is free', async () => {
    const { world, clock } = newWorld();
    const host = testHost({ world, clock, memoryLimitBytes: 300 * MEBIBYTE });
    const one = await host.agent();
    const other = await host.agent();
    await one.call('create', host.wanted('job.0'));
    await one.call('create', host.wanted('job.1'));
    await assert.rejects(
      other.call('create', host.wanted('else.0', { job: 'else' })),
      failure('no-room', /256 MiB of 300 MiB are taken \(job.0 128 MiB, job.1 128 MiB\)/),
    );
    await one.call('start', { vm: 'job.0' });
    await one.call('suspend', { vm: 'job.0' });
    await other.call('create', host.wanted('else.0', { job: 'else' }));
    await assert.rejects(one.call('resume', { vm: 'job.0' }), failure('no-room', /else.0 128 MiB/));
    await other.call('clean', { job: 'else' });
    await one.call('resume', { vm: 'job.0' });
    await one.leave();
    await other.leave();
  });

  void test('`clean` removes all of a job, and nothing else; twice is as once', async () => {
    const { world, clock } = newWorld();
    const host = testHost({ world, clock });
    const agent = await host.agent();
    for (const vm of ['job.0', 'job.1']) {
      await agent.call('create', host.wanted(vm));
      await agent.call('start', { vm });
    }
    await agent.call('create', host.wanted('else.0', { job: 'else' }));
    assert.deepEqual(await agent.call('clean', { job: 'job' }), { removed: ['job.0', 'job.1'] });
    assert.deepEqual(await agent.call('clean', { job: 'job' }), { removed: [] });
    assert.deepEqual([...host.simulated.machines.keys()], ['else.0']);
    assert.deepEqual(readdirSync(join(host.directory, 'vms')), ['else.0']);
    assert.deepEqual(readdirSync(join(host.directory, 'reservations')), []);
    await agent.leave();
  });

  void test('`remove` says which process does not go', async () => {
    const { world, clock } = newWorld();
    const host = testHost({ world, clock, facts: { processesOf: () => [4242] } });
    const agent = await host.agent();
    await agent.call('create', host.wanted('job.0'));
    await assert.rejects(
      agent.call('remove', { vm: 'job.0' }),
      failure('internal', /process 4242 still works with .*vms\/job\.0/),
    );
    // What it is stays known, so that it can be removed once more.
    assert.ok(existsSync(join(host.directory, 'vms/job.0/machine.json')));
    await agent.leave();
  });

  void test('the command finds the names of its job, machine and node in its environment', async () => {
    const { world, clock } = newWorld();
    const host = testHost({ world, clock });
    const agent = await host.agent();
    await agent.call('create', host.wanted('job.0'));
    const archive = readFileSync(join(host.directory, 'vms/job.0/job.tar'), 'utf8');
    for (const line of ["A='b'", "KGETPLUS_JOB='job'", "KGETPLUS_VM='job.0'"]) {
      assert.ok(archive.includes(`export ${line}\n`), line);
    }
    assert.ok(archive.includes("export KGETPLUS_NODE='node01'\n"));
    await agent.leave();
  });

  void test('calls for machines that are not there name them', async () => {
    const { world, clock } = newWorld();
    const host = testHost({ world, clock, script: JOB_SCRIPT });
    const agent = await host.agent();
    for (const call of ['start', 'pause', 'resume', 'suspend'] as const) {
      await assert.rejects(agent.call(call, { vm: 'nobody' }), failure('usage', /nobody/));
    }
    await assert.rejects(
      agent.call('log', { vm: 'nobody', source: 'console', offset: 0 }),
      failure('usage', /nobody/),
    );
    await agent.call('remove', { vm: 'nobody' });
    await agent.leave();
  });
});
