import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { MigrationOptions } from '../../src/hypervisor/hypervisor.ts';
import { BLOCK_BYTES, lengthOf, writtenRuns } from '../../src/hypervisor/simulated/disk.ts';
import { faultyHypervisor, type Fault } from '../../src/hypervisor/simulated/faulty.ts';
import { simulatedHypervisor } from '../../src/hypervisor/simulated/simulated.ts';
import type { VmSpec } from '../../src/hypervisor/vm-spec.ts';
import * as fc from 'fast-check';
import { refuses } from './contract/refusals.ts';
import { checkRaw, HOST, machineDirectory, oneHost, specOf } from './simulated-fixture.ts';
import { idleGuest, jobGuest } from './simulated-guests.ts';

const MEBIBYTE = 2 ** 20;
const never = new AbortController().signal;
const MIGRATION: MigrationOptions = {
  sharedStorage: false,
  limitMs: 60_000,
  downtimeLimitMs: 300,
  bytesPerSecond: null,
  signal: never,
};
const INCOMING = { address: '10.0.0.2', sharedStorage: false };

function directoryOf(t: TestContext): string {
  const directory = machineDirectory();
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Its job runner's lines go to a file, too. */
function withStatusFile(spec: VmSpec, path: string): VmSpec {
  return { ...spec, channels: [{ kind: 'file', name: 'org.kgetplus.status', path }] };
}

void test('`events` has what the job runner says, in its time, and the file of its port has it', async (t) => {
  const directory = directoryOf(t);
  const end = { kind: 'exit', status: 3, outputBytes: 1024 } as const;
  const { hypervisor, host, clock } = oneHost(() => jobGuest({ bootMs: 2000, runMs: 5000, end }));
  const status = join(directory, 'status');
  await hypervisor.create(withStatusFile(specOf('vm', { directory }), status));
  await hypervisor.start('vm');
  assert.deepEqual(host.events('vm'), []);
  await clock.sleep(2000);
  assert.deepEqual(host.events('vm'), ['ready', 'started']);
  await clock.sleep(4999);
  assert.equal(host.events('vm').length, 2);
  await clock.sleep(1);
  assert.deepEqual(host.events('vm').slice(2), ['exit 3', 'outputs 1024', 'done']);
  assert.equal(readFileSync(status, 'utf8'), 'ready\nstarted\nexit 3\noutputs 1024\ndone\n');
  assert.equal((await hypervisor.look('vm')).state, 'running');
});

void test('a guest goes on by itself when nobody looks', async (t) => {
  const directory = directoryOf(t);
  const { hypervisor, clock } = oneHost(() => jobGuest({ runMs: 100, end: { kind: 'panic' } }));
  await hypervisor.create(specOf('vm', { directory }));
  await hypervisor.start('vm');
  assert.equal((await hypervisor.waitForExit('vm', never)).reason, 'panicked');
  assert.equal(clock.nowMs(), 2100);
});

void test('a guest stands still when it is paused or suspended', async (t) => {
  const directory = directoryOf(t);
  const end = { kind: 'exit', status: 0 } as const;
  const { hypervisor, host, clock } = oneHost(() => jobGuest({ bootMs: 1000, runMs: 1000, end }));
  await hypervisor.create(specOf('vm', { directory }));
  await hypervisor.start('vm');
  await clock.sleep(1500);
  await hypervisor.pause('vm');
  await clock.sleep(60_000);
  await hypervisor.suspend('vm');
  await clock.sleep(60_000);
  assert.equal(host.events('vm').length, 2);
  await hypervisor.resume('vm');
  await clock.sleep(499);
  assert.equal(host.events('vm').length, 2);
  await clock.sleep(1);
  assert.equal(host.events('vm').length, 5);
});

void test('`start` throws `no-room` when the memory of the host is taken', async (t) => {
  const directory = directoryOf(t);
  const { hypervisor, host } = oneHost(() => idleGuest(), { memoryBytes: 200 * MEBIBYTE });
  for (const name of ['a', 'b']) await hypervisor.create(specOf(name, { directory }));
  await hypervisor.start('a');
  await refuses('no-room', hypervisor.start('b'));
  await refuses('no-room', hypervisor.prepareMigration(specOf('c', { directory }), INCOMING));
  await refuses('usage', hypervisor.look('c'));
  await hypervisor.suspend('a');
  await hypervisor.start('b');
  await refuses('no-room', hypervisor.resume('a'));
  assert.equal((await hypervisor.look('a')).state, 'suspended');
  assert.equal(host.usedMemoryBytes(), 128 * MEBIBYTE);
  await hypervisor.stop('b');
  await hypervisor.resume('a');
});

void test('`freeze` and `shutdown` fail when the guest never boots', async (t) => {
  const directory = directoryOf(t);
  const { hypervisor, clock } = oneHost(() => idleGuest({ bootMs: null }));
  await hypervisor.create(specOf('vm', { directory }));
  await hypervisor.start('vm');
  assert.equal(await hypervisor.freeze('vm', { limitMs: 5000, holdMs: 1000 }), false);
  assert.equal(clock.nowMs(), 5000);
  assert.equal(await hypervisor.shutdown('vm', { limitMs: 5000 }), 'forced');
  assert.equal(clock.nowMs(), 10_000);
});

void test('`freeze` waits for a guest that is about to boot, and it writes nothing then', async (t) => {
  const directory = directoryOf(t);
  const { hypervisor, clock } = oneHost(() => idleGuest({ diskBytesPerSecond: MEBIBYTE }));
  await hypervisor.create(specOf('vm', { directory }));
  await hypervisor.start('vm');
  assert.equal(await hypervisor.freeze('vm', { limitMs: 5000, holdMs: 3000 }), true);
  assert.equal(clock.nowMs(), 2000);
  await refuses('usage', hypervisor.freeze('vm', { limitMs: 5000, holdMs: 3000 }));
  const snapshot = join(directory, 'snapshot');
  const request = { directory: snapshot, memory: false, leavePaused: false, full: false };
  const underWay = await hypervisor.beginSnapshot('vm', request);
  await clock.sleep(3000);
  await underWay.finished;
  assert.equal((await hypervisor.dirtyMap('vm', 'root'))?.dirtyBytes, 0);
  await clock.sleep(1000);
  assert.equal((await hypervisor.dirtyMap('vm', 'root'))?.dirtyBytes, MEBIBYTE);
});

void test('`finished` rejects when the machine ends meanwhile, and the next snapshot is whole', async (t) => {
  const directory = directoryOf(t);
  const { hypervisor, host } = oneHost(() => idleGuest());
  const snapshot = join(directory, 'snapshot');
  const request = { directory: snapshot, memory: false, leavePaused: false, full: false };
  await hypervisor.create(specOf('vm', { directory }));
  await hypervisor.start('vm');
  await (
    await hypervisor.beginSnapshot('vm', request)
  ).finished;
  const underWay = await hypervisor.beginSnapshot('vm', { ...request, full: true });
  await refuses('usage', hypervisor.beginSnapshot('vm', request));
  host.kill('vm');
  await refuses('cancelled', underWay.finished);
  await hypervisor.start('vm');
  const { disks } = await (await hypervisor.beginSnapshot('vm', request)).finished;
  assert.equal(disks[0]?.mode, 'full');
  assert.match(disks[0].reason ?? '', /no bitmap/);
});

void test('`beginSnapshot` refuses to write the files that the machine was restored from', async (t) => {
  const directory = directoryOf(t);
  const { hypervisor } = oneHost(() => idleGuest());
  const request = { directory, memory: false, leavePaused: false, full: false };
  await hypervisor.create(specOf('vm', { directory }));
  await hypervisor.start('vm');
  await (
    await hypervisor.beginSnapshot('vm', request)
  ).finished;
  const disks = { root: join(directory, 'root.raw') };
  await hypervisor.restore(specOf('other', { directory }), { disks, memory: null });
  await hypervisor.start('other');
  await refuses('usage', hypervisor.beginSnapshot('other', request));
  assert.ok(existsSync(disks.root));
});

void test('`beginSnapshot` brings a snapshot forward to just what was written, whatever that is', async (t) => {
  const directory = directoryOf(t);
  const { hypervisor, host } = oneHost(() => idleGuest());
  const request = { directory: join(directory, 'snapshot'), memory: false, leavePaused: false };
  await hypervisor.create(specOf('vm', { directory }));
  await hypervisor.start('vm');
  let blocks = 0;
  const writes = fc.array(fc.record({ blocks: fc.nat({ max: 400 }), full: fc.boolean() }), {
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(writes, async (rounds) => {
      for (const round of rounds) {
        blocks += round.blocks;
        await host.guest('vm').write(round.blocks * BLOCK_BYTES);
        await (
          await hypervisor.beginSnapshot('vm', { ...request, full: round.full })
        ).finished;
        assert.equal(checkRaw(join(directory, 'snapshot', 'root.raw')), blocks);
      }
    }),
    // A smaller counterexample is not worth the files that are written for it.
    { numRuns: 15, endOnFailure: true },
  );
});

void test('`writtenRuns` has each block that was written, and no other', () => {
  const count = fc.nat({ max: 40 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), count, count, (blocks, from, written) => {
      const range = { fromBytes: from * BLOCK_BYTES, toBytes: (from + written) * BLOCK_BYTES };
      const runs = writtenRuns(blocks * BLOCK_BYTES, range);
      const wanted = new Set(Array.from({ length: written }, (_, at) => (from + at) % blocks));
      const found = runs.flatMap(({ offset, lengthBytes }) =>
        Array.from({ length: lengthBytes / BLOCK_BYTES }, (_, at) => offset / BLOCK_BYTES + at),
      );
      assert.deepEqual(
        found,
        [...wanted].toSorted((one, other) => one - other),
      );
      assert.equal(lengthOf(runs), wanted.size * BLOCK_BYTES);
    }),
  );
});

void test('`migrate` throws `timeout` when the guest writes faster than the link carries', async (t) => {
  const directory = directoryOf(t);
  const busy = idleGuest({ memoryBytesPerSecond: 2 * HOST.linkBytesPerSecond });
  const { hypervisor, world, clock } = oneHost(() => busy);
  const there = simulatedHypervisor({ host: world.addHost({ ...HOST, name: 'node2' }) });
  await hypervisor.create(specOf('vm', { directory }));
  await hypervisor.start('vm');
  const endpoint = await there.prepareMigration(specOf('vm', { directory }), INCOMING);
  await refuses('timeout', hypervisor.migrate('vm', endpoint, MIGRATION));
  assert.equal(clock.nowMs(), MIGRATION.limitMs);
  assert.equal((await hypervisor.look('vm')).state, 'running');
  await refuses('usage', there.finishMigration('vm'));
  await there.abandonMigration('vm');
  await refuses('unreachable', hypervisor.migrate('vm', endpoint, MIGRATION));
});

void test('`migrate` throws `timeout` when the pause that is allowed is longer than its limit', async (t) => {
  const directory = directoryOf(t);
  const { hypervisor, world, clock } = oneHost(() => idleGuest());
  const there = simulatedHypervisor({ host: world.addHost({ ...HOST, name: 'node2' }) });
  await hypervisor.create(specOf('vm', { directory }));
  await hypervisor.start('vm');
  const endpoint = await there.prepareMigration(specOf('vm', { directory }), INCOMING);
  const terms = { ...MIGRATION, limitMs: 1000, downtimeLimitMs: 60_000 };
  await refuses('timeout', hypervisor.migrate('vm', endpoint, terms));
  assert.equal(clock.nowMs(), 1000);
  assert.equal((await hypervisor.look('vm')).state, 'running');
});

void test('a guest does all of its steps when time passes in odd pieces', async (t) => {
  const directory = directoryOf(t);
  const steps = Array.from({ length: 50 }, (_, at) => {
    return { kind: 'say', port: 'p', line: String(at), atMs: at * 0.1 } as const;
  });
  const { hypervisor, host, clock } = oneHost(() => idleGuest({ bootMs: 1e6 / 3, steps }));
  await hypervisor.create(specOf('vm', { directory }));
  await hypervisor.start('vm');
  for (let piece = 0; piece < 40; piece += 1) {
    await clock.sleep(1e5 / 7);
    await hypervisor.pause('vm');
    await clock.sleep(0.1);
    await hypervisor.resume('vm');
  }
  assert.equal(host.events('vm').length, steps.length);
});

void test('`migrate` moves memory and what was written, and the guest goes on where it was', async (t) => {
  const directory = directoryOf(t);
  const end = { kind: 'exit', status: 0 } as const;
  const scriptOf = () => jobGuest({ bootMs: 0, runMs: 60_000, end });
  const { hypervisor, host, world, clock } = oneHost(scriptOf);
  const other = world.addHost({ ...HOST, name: 'node2', scriptOf });
  const there = simulatedHypervisor({ host: other });
  await hypervisor.create(specOf('vm', { directory }));
  await hypervisor.start('vm');
  await host.guest('vm').write(MEBIBYTE);
  await clock.sleep(1000);
  const endpoint = await there.prepareMigration(specOf('vm', { directory }), INCOMING);
  const figures = await hypervisor.migrate('vm', endpoint, MIGRATION);
  assert.equal(figures.movedBytes, 129 * MEBIBYTE);
  assert.equal(figures.totalMs, 1290);
  assert.equal((await hypervisor.waitForExit('vm', never)).reason, 'stopped');
  assert.deepEqual([host.usedMemoryBytes(), other.usedMemoryBytes()], [0, 128 * MEBIBYTE]);
  await there.finishMigration('vm');
  await clock.sleep(60_000 - clock.nowMs());
  assert.deepEqual(other.events('vm'), ['exit 0', 'outputs 0', 'done']);
});

void test('`reset` ends all processes, and what is on disk stays', async (t) => {
  const directory = directoryOf(t);
  const { hypervisor, host } = oneHost(() => idleGuest());
  for (const name of ['a', 'b', 'c']) await hypervisor.create(specOf(name, { directory }));
  for (const name of ['a', 'b']) await hypervisor.start(name);
  await hypervisor.suspend('b');
  host.reset();
  assert.deepEqual(
    (await hypervisor.list()).map(({ state, exit }) => [state, exit?.reason]),
    [
      ['stopped', 'killed'],
      ['suspended', undefined],
      ['defined', undefined],
    ],
  );
});

void test('`remove` ends the wait when the machine never ran', async (t) => {
  const directory = directoryOf(t);
  const { hypervisor } = oneHost(() => idleGuest());
  await hypervisor.create(specOf('vm', { directory }));
  const ended = hypervisor.waitForExit('vm', never);
  await hypervisor.remove('vm');
  assert.equal((await ended).reason, 'stopped');
  assert.deepEqual(readdirSync(directory), ['base.raw']);
});

const FAULTS: readonly [Fault, string, number, 'defined' | 'running'][] = [
  [{ kind: 'throws', code: 'unreachable' }, 'unreachable', 0, 'defined'],
  [{ kind: 'hangs' }, 'timeout', 9000, 'defined'],
  [{ kind: 'unanswered' }, 'timeout', 9000, 'running'],
  [{ kind: 'late', delayMs: 4000 }, 'none', 4000, 'running'],
];

for (const [fault, code, tookMs, state] of FAULTS) {
  void test(`\`faultyHypervisor\` has a call that ${fault.kind}, of that name only`, async (t) => {
    const directory = directoryOf(t);
    const { hypervisor, clock } = oneHost(() => idleGuest());
    const faulty = faultyHypervisor(hypervisor, {
      clock,
      limitMs: 9000,
      faultOf: (call, machine) => (call === 'start' && machine === 'vm' ? fault : undefined),
    });
    await faulty.create(specOf('vm', { directory }));
    if (code === 'none') await faulty.start('vm');
    else
      await assert.rejects(faulty.start('vm'), { name: 'KgetError', code, message: /start "vm"/ });
    assert.equal(clock.nowMs(), tookMs);
    assert.equal((await faulty.look('vm')).state, state);
  });
}
