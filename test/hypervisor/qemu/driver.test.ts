import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '../../../src/base/system-clock.ts';
import type { VmSpec } from '../../../src/hypervisor/vm-spec.ts';
import { placesOf } from '../../../src/hypervisor/qemu/places.ts';
import { qemuHypervisor } from '../../../src/hypervisor/qemu/qemu.ts';
import { until } from '../until.ts';
import { refuses } from '../contract/refusals.ts';
import { qemuFixture, type QemuFixture } from '../qemu-fixture.ts';
import { whyNoGuest } from '../tiny-guest.ts';

const run = promisify(execFile);
const skip = await whyNoGuest(['qemu-system-x86_64', 'qemu-img', 'qemu-io', 'nbdcopy']);

const MEBIBYTE = 2 ** 20;
const THAW_LIMIT_MS = 30_000;
/** Time passes so much faster for a driver whose limits are waited for. */
const HASTE = 20;
/** So long that sockets do not fit below it. */
const LONG = 'a'.repeat(100);

void suite('qemuHypervisor', { skip, concurrency: 1 }, () => {
  let fixture: QemuFixture;
  before(async () => {
    fixture = await qemuFixture(LONG);
    await fixture.here.hypervisor.create(specWithDisk('here'));
    await fixture.guest.boot(fixture.here, 'vm');
  });
  after(async () => fixture?.close());

  /** With a disk that is the host's own, and has the size of the other host's. */
  function specWithDisk(host: 'here' | 'there'): VmSpec {
    const path = join(fixture.root, `${host}.own`);
    if (!existsSync(path)) writeFileSync(path, Buffer.alloc(MEBIBYTE, host));
    const spec = fixture[host].spec('vm');
    const own = { name: 'own', access: 'read-write', path, format: 'raw' } as const;
    return { ...spec, disks: [...spec.disks, own] };
  }
  const placesHere = () => placesOf(join(fixture.root, 'here/vms'), 'vm');

  void test('`start` keeps sockets in a short place when the directory is long', () => {
    const { sockets, directory, control } = placesHere();
    assert.notEqual(sockets, directory);
    assert.ok(existsSync(control));
  });

  void test('`exportDisk` gives what was on the disk when the guest goes on to write', async () => {
    const { hypervisor } = fixture.here;
    const { socketPath, exportName, close } = await hypervisor.exportDisk('vm', 'root');
    const read = async (): Promise<string> => {
      const url = `nbd+unix:///${exportName}?socket=${socketPath}`;
      return (await run('sh', ['-c', 'nbdcopy "$0" - | sha256sum', url])).stdout;
    };
    const earlier = await read();
    await fixture.guest.write(fixture.here, 'vm', 4 * MEBIBYTE);
    assert.equal(await read(), earlier);
    await refuses('usage', hypervisor.exportDisk('vm', 'root'));
    await close();
    const later = await hypervisor.exportDisk('vm', 'root');
    assert.notEqual(await read(), earlier);
    await later.close();
  });

  void test('calls give up when the monitor is taken, and the machine can be seen', async () => {
    const taken = createConnection(placesHere().control);
    try {
      await new Promise((resolve) => {
        taken.once('data', resolve);
      });
      const hasty = qemuHypervisor({
        directory: join(fixture.root, 'here/vms'),
        accelerator: 'tcg',
        clock: {
          nowMs: () => systemClock.nowMs() * HASTE,
          sleep: async (ms, signal) => systemClock.sleep(ms / HASTE, signal),
        },
      });
      await refuses('timeout', hasty.pause('vm'));
      assert.equal((await hasty.look('vm')).state, 'running');
    } finally {
      taken.destroy();
    }
    const { hypervisor } = fixture.here;
    await hypervisor.pause('vm');
    await hypervisor.resume('vm');
  });

  void test('`look` thaws a guest when whoever froze it is gone', async () => {
    const other = fixture.here.again();
    assert.ok(await other.freeze('vm', { limitMs: 20_000, holdMs: 600_000 }));
    await fixture.here.hypervisor.look('vm');
    const { frozen } = placesHere();
    assert.ok(existsSync(frozen), 'not before its time');
    await writeFile(frozen, JSON.stringify({ untilSeconds: 0 }));
    // Whoever froze it may still speak with the agent for a while.
    await until(async () => {
      await fixture.here.hypervisor.look('vm');
      return existsSync(frozen) ? undefined : true;
    }, THAW_LIMIT_MS);
    await fixture.guest.write(fixture.here, 'vm', MEBIBYTE);
    await other.thaw('vm');
  });

  void test('`beginSnapshot` fails and the guest goes on when its directory cannot be made', async () => {
    const { hypervisor } = fixture.here;
    const request = { memory: true, leavePaused: false, full: true };
    const directory = '/proc/self/nowhere';
    await assert.rejects(hypervisor.beginSnapshot('vm', { ...request, directory }));
    assert.equal((await hypervisor.look('vm')).state, 'running');
    await fixture.guest.write(fixture.here, 'vm', MEBIBYTE);
  });

  void test('`migrate` moves a disk that is read and written', async () => {
    const { here, there } = fixture;
    const incoming = { address: '127.0.0.1', sharedStorage: false };
    const endpoint = await there.hypervisor.prepareMigration(specWithDisk('there'), incoming);
    await here.hypervisor.migrate('vm', endpoint, {
      sharedStorage: false,
      limitMs: 60_000,
      downtimeLimitMs: 300,
      bytesPerSecond: null,
      signal: new AbortController().signal,
    });
    await there.hypervisor.finishMigration('vm');
    assert.equal((await here.hypervisor.look('vm')).exit?.reason, 'stopped');
    await refuses('usage', here.hypervisor.start('vm'));
    await here.hypervisor.remove('vm');
    const [source, target] = ['here', 'there'].map((it) =>
      readFileSync(join(fixture.root, `${it}.own`)),
    );
    assert.ok(source !== undefined && target !== undefined && source.equals(target));
  });

  void test('`beginSnapshot` copies all when the machine was killed since the last', async () => {
    const { hypervisor } = fixture.there;
    const directory = await fixture.snapshotDirectory();
    const request = { directory, memory: false, leavePaused: false, full: false };
    await (
      await hypervisor.beginSnapshot('vm', request)
    ).finished;
    const path = placesOf(join(fixture.root, 'there/vms'), 'vm').pid;
    const exit = hypervisor.waitForExit('vm', new AbortController().signal);
    process.kill(Number(readFileSync(path, 'utf8')), 'SIGKILL');
    assert.equal((await exit).reason, 'killed');
    await hypervisor.start('vm');
    const underWay = await hypervisor.beginSnapshot('vm', request);
    const [figures] = (await underWay.finished).disks;
    assert.equal(figures?.mode, 'full');
    assert.match(figures.reason ?? '', /bitmap/);
    await truncate(join(directory, 'root.raw'), MEBIBYTE);
    const again = await (await hypervisor.beginSnapshot('vm', request)).finished;
    assert.match(again.disks[0]?.reason ?? '', /another size/);
  });

  void test('`remove` leaves no sockets when they were kept elsewhere', async () => {
    const { hypervisor } = fixture.there;
    const { sockets } = placesOf(join(fixture.root, 'there/vms'), 'vm');
    assert.ok(existsSync(sockets));
    await hypervisor.remove('vm');
    assert.ok(!existsSync(sockets));
    assert.ok(!existsSync(placesHere().sockets));
    assert.deepEqual(await fixture.there.leftovers(), []);
  });
});
