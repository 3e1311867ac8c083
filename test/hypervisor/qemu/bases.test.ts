import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { systemClock } from '../../../src/base/system-clock.ts';
import { qemuHypervisor, type QemuHypervisor } from '../../../src/hypervisor/qemu/qemu.ts';
import type { VmSpec } from '../../../src/hypervisor/vm-spec.ts';
import type { FixtureHost } from '../contract/fixture.ts';
import { qemuFixture, type QemuFixture } from '../qemu-fixture.ts';
import { whyNoGuest } from '../tiny-guest.ts';
import { until } from '../until.ts';

const skip = await whyNoGuest(['qemu-system-x86_64', 'qemu-img', 'qemu-nbd']);

const MEBIBYTE = 2 ** 20;
const SERVER_LIMIT_MS = 20_000;

interface SharingHost extends FixtureHost {
  readonly hypervisor: QemuHypervisor;
}

void suite('bases of disks', { skip, concurrency: 1 }, () => {
  let fixture: QemuFixture;
  let server: ChildProcess;
  let here: SharingHost;
  let there: SharingHost;
  let url = '';
  before(async () => {
    fixture = await qemuFixture();
    here = sharing('here');
    there = sharing('there');
    const pid = join(fixture.root, 'nbd.pid');
    // A port that other tests hardly use, as 10809 is.
    const port = `${20_000 + (process.pid % 10_000)}`;
    const words = ['-r', '-t', '-e', '8', '-f', 'raw', '-b', '127.0.0.1', '-x', 'image'];
    const place = ['-p', port, `--pid-file=${pid}`, fixture.tiny.disk];
    server = spawn('qemu-nbd', [...words, ...place], { stdio: 'ignore' });
    await until(() => existsSync(pid) || undefined, SERVER_LIMIT_MS);
    url = `nbd://127.0.0.1:${port}/image`;
  });
  after(async () => {
    server?.kill();
    for (const host of [here, there]) await host?.hypervisor.remove('vm');
    await fixture?.close();
  });

  function sharing(name: 'here' | 'there'): SharingHost {
    const directory = join(fixture.root, name, 'vms');
    const sharedDirectory = join(fixture.root, 'shared');
    const options = { directory, sharedDirectory, clock: systemClock, accelerator: 'tcg' } as const;
    return { ...fixture[name], hypervisor: qemuHypervisor(options) };
  }
  function remote(host: FixtureHost, name = 'vm'): VmSpec {
    const spec = host.spec(name);
    const base = { kind: 'nbd', url, format: 'raw' } as const;
    const root = { name: 'root', access: 'copy-on-write', base } as const;
    return { ...spec, disks: [root, ...spec.disks.slice(1)] };
  }
  const overlay = () => existsSync(join(fixture.root, 'shared/vm.root.qcow2'));

  void test('`start` boots a guest when its disk starts from an NBD export', async () => {
    await here.hypervisor.create(remote(here));
    await fixture.guest.boot(here, 'vm');
    await fixture.guest.write(here, 'vm', MEBIBYTE);
  });

  void test('`migrate` moves a machine with disks that hosts share, and they stay', async () => {
    const incoming = { address: '127.0.0.1', sharedStorage: true };
    await there.hypervisor.prepareMigration(remote(there), incoming);
    await there.hypervisor.abandonMigration('vm');
    assert.ok(overlay(), 'it is the source that the disk belongs to');
    const endpoint = await there.hypervisor.prepareMigration(remote(there), incoming);
    await here.hypervisor.migrate('vm', endpoint, {
      sharedStorage: true,
      limitMs: 60_000,
      downtimeLimitMs: 300,
      bytesPerSecond: null,
      signal: new AbortController().signal,
    });
    await there.hypervisor.finishMigration('vm');
    await here.hypervisor.remove('vm');
    assert.ok(overlay(), 'it is the target that the disk belongs to');
    await assert.rejects(here.hypervisor.create(remote(here)), /is there already/);
    assert.ok(overlay(), 'nobody else may touch it');
    await fixture.guest.write(there, 'vm', MEBIBYTE);
  });

  void test('`switchBase` has a guest that is suspended go on from the file', async () => {
    const { hypervisor } = here;
    await hypervisor.create(remote(here, 'asleep'));
    await fixture.guest.boot(here, 'asleep');
    await hypervisor.suspend('asleep');
    await hypervisor.switchBase('asleep', 'root', { path: fixture.tiny.disk, format: 'raw' });
    await hypervisor.resume('asleep');
    await fixture.guest.write(here, 'asleep', MEBIBYTE);
    await hypervisor.remove('asleep');
  });

  void test('`switchBase` has the guest go on when the server is gone', async () => {
    const local = { path: fixture.tiny.disk, format: 'raw' } as const;
    await there.hypervisor.switchBase('vm', 'root', local);
    await there.hypervisor.switchBase('vm', 'root', local);
    server.kill();
    await once(server, 'exit');
    await fixture.guest.write(there, 'vm', MEBIBYTE);
    const directory = await fixture.snapshotDirectory();
    const request = { directory, memory: true, leavePaused: false, full: false };
    await (
      await there.hypervisor.beginSnapshot('vm', request)
    ).finished;
    await there.hypervisor.suspend('vm');
    await there.hypervisor.resume('vm');
    await fixture.guest.write(there, 'vm', MEBIBYTE);
    assert.deepEqual((await there.hypervisor.look('vm')).spec, remote(there));
  });

  void test('`remove` leaves no disk where hosts share them', async () => {
    await there.hypervisor.remove('vm');
    assert.ok(!overlay());
  });
});
