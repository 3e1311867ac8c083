import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { failure, newWorld, temporaryDirectory, testHost } from './fixture.ts';

const TERMS = {
  target: 'node02',
  sharedStorage: false,
  limitMs: 60_000,
  downtimeLimitMs: 300,
  bytesPerSecond: null,
};

async function twoHosts(shared: { sharedDirectory?: string } = {}) {
  const { world, clock } = newWorld();
  const source = testHost({ world, clock, name: 'node01', ...shared });
  const target = testHost({ world, clock, name: 'node02', ...shared });
  const [here, there] = [await source.agent(), await target.agent()];
  const wanted = source.wanted('job.0');
  await here.call('create', wanted);
  await here.call('start', { vm: 'job.0' });
  await clock.sleep(7000);
  const leave = async (): Promise<void> => {
    await here.leave();
    await there.leave();
  };
  return { clock, source, target, here, there, wanted, leave };
}

void suite('host agent: migrations', () => {
  void test('a machine goes on at its target, with what was said before', async () => {
    const { clock, here, there, wanted, source, leave } = await twoHosts();
    const address = '10.0.0.2';
    const prepared = await there.call('prepare-migration', {
      source: 'node01',
      wanted,
      address,
      sharedStorage: false,
    });
    const [incoming] = (await there.call('look', { job: 'job' })).vms;
    assert.equal(incoming?.state, 'incoming');
    await here.call('migrate', { vm: 'job.0', ...prepared, ...TERMS });
    const [before] = (await here.call('look', { job: null })).vms;
    assert.deepEqual(before?.events, ['ready', 'started']);
    const { text: log } = await here.call('log', { vm: 'job.0', source: 'command', offset: 0 });
    await there.call('finish-migration', { vm: 'job.0', events: before.events, log });
    await here.call('remove', { vm: 'job.0' });
    await clock.sleep(10_000);
    const [after] = (await there.call('look', { job: 'job' })).vms;
    assert.deepEqual(after?.events, ['ready', 'started', 'exit 0', 'outputs 10240', 'done']);
    assert.equal(after.logBytes, log.length);
    assert.deepEqual(readdirSync(join(source.directory, 'vms')), []);
    await leave();
  });

  void test('a disk of outputs that hosts share is that of whoever has the machine', async () => {
    const sharedDirectory = temporaryDirectory();
    const { here, there, wanted, leave } = await twoHosts({ sharedDirectory });
    const outputs = join(sharedDirectory, 'outputs/job.0-outputs.tar');
    writeFileSync(outputs, 'written before');
    const request = { source: 'node01', wanted, address: '10.0.0.2', sharedStorage: true };
    await there.call('prepare-migration', request);
    await there.call('abandon-migration', { vm: 'job.0' });
    assert.equal(readFileSync(outputs, 'utf8'), 'written before');
    const endpoint = await there.call('prepare-migration', request);
    await here.call('migrate', { vm: 'job.0', ...endpoint, ...TERMS, sharedStorage: true });
    await there.call('finish-migration', { vm: 'job.0', events: [], log: '' });
    await here.call('clean', { job: 'job' });
    const [found] = (await there.call('look', { job: 'job' })).vms;
    assert.equal(found?.outputsPath, outputs);
    assert.equal(readFileSync(outputs, 'utf8'), 'written before');
    await there.call('clean', { job: 'job' });
    assert.ok(!existsSync(outputs));
    await leave();
  });

  void test('`abandon-migration` leaves nothing, twice; and takes no machine that runs', async () => {
    const { here, there, wanted, target, leave } = await twoHosts();
    await there.call('prepare-migration', {
      source: 'node01',
      wanted,
      address: '10.0.0.2',
      sharedStorage: false,
    });
    await there.call('abandon-migration', { vm: 'job.0' });
    await there.call('abandon-migration', { vm: 'job.0' });
    assert.deepEqual(readdirSync(join(target.directory, 'vms')), []);
    await assert.rejects(
      here.call('abandon-migration', { vm: 'job.0' }),
      failure('usage', /it is running here; remove it instead/),
    );
    await leave();
  });

  void test('`prepare-migration` counts memory', async () => {
    const { world, clock } = newWorld();
    const target = testHost({ world, clock, memoryLimitBytes: 1 });
    const agent = await target.agent();
    const request = {
      source: 'node01',
      wanted: target.wanted('job.0'),
      address: 'a',
      sharedStorage: false,
    };
    await assert.rejects(agent.call('prepare-migration', request), failure('no-room', /of memory/));
    assert.deepEqual(readdirSync(join(target.directory, 'vms')), []);
    await agent.leave();
  });

  void test('`migrate` refuses while a snapshot is being written', async () => {
    const { here, there, wanted, leave } = await twoHosts();
    const endpoint = await there.call('prepare-migration', {
      source: 'node01',
      wanted,
      address: '10.0.0.2',
      sharedStorage: false,
    });
    await here.call('snapshot', { vm: 'job.0', memory: false, full: true });
    await assert.rejects(
      here.call('migrate', { vm: 'job.0', ...endpoint, ...TERMS }),
      failure('usage', /a snapshot of it is being written/),
    );
    await here.call('thaw', { vm: 'job.0' });
    await here.call('finish-snapshot', { vm: 'job.0', cut: 'c1' });
    await here.call('migrate', { vm: 'job.0', ...endpoint, ...TERMS });
    await leave();
  });

  void test('`finish-migration` refuses what was not prepared', async () => {
    const { there, leave } = await twoHosts();
    await assert.rejects(
      there.call('finish-migration', { vm: 'job.0', events: [], log: '' }),
      failure('usage', /none was prepared here/),
    );
    await leave();
  });
});
