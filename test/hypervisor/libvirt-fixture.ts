import { execFile } from 'node:child_process';
import { globSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../src/base/system-clock.ts';
import type { Hypervisor } from '../../src/hypervisor/hypervisor.ts';
import { libvirtHypervisor } from '../../src/hypervisor/libvirt/driver.ts';
import type { FixtureHost, HypervisorFixture } from './contract/fixture.ts';
import type { LibvirtdPair, TestLibvirtd } from './libvirtd.ts';
import { tinySpec } from './qemu-fixture.ts';
import { tinyGuest, type TinyGuest } from './tiny-guest.ts';
import { tinyObserver } from './tiny-observer.ts';
import { until } from './until.ts';

const run = promisify(execFile);

const KILL_LIMIT_MS = 10_000;

/** Two hosts: two daemons that others may use, too, each with a directory for machines. */
export async function libvirtFixture([one, other]: LibvirtdPair): Promise<HypervisorFixture> {
  const root = await mkdtemp(join(tmpdir(), 'kgetplus-libvirt-'));
  const guest = await tinyGuest();
  const here = libvirtHost(one, { place: join(root, 'here'), guest, root });
  const there = libvirtHost(other, { place: join(root, 'there'), guest, root });
  return {
    here,
    there,
    can: { migrate: true, memory: true, panic: true, exportDisk: true, dirtyMap: true },
    guest: tinyObserver(root),
    snapshotDirectory: async () => mkdtemp(join(root, 'snapshot-')),
    async checkFileSystem(path) {
      await run('e2fsck', ['-fn', path]);
    },
    async kill(name) {
      const [process_ = ''] = processesOf(join(root, 'here/vms', name));
      process.kill(Number(process_.split('/')[2]), 'SIGKILL');
      const gone = () => processesOf(join(root, 'here/vms', name)).length === 0 || undefined;
      await until(gone, KILL_LIMIT_MS);
    },
    async close() {
      for (const { hypervisor } of [here, there]) {
        for (const { name } of await hypervisor.list()) await hypervisor.remove(name);
      }
      await rm(root, { recursive: true, force: true });
    },
  };
}

function libvirtHost(
  daemon: TestLibvirtd,
  { place, guest, root }: { place: string; guest: TinyGuest; root: string },
): FixtureHost {
  const directory = join(place, 'vms');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const again = (): Hypervisor =>
    libvirtHypervisor({
      directory,
      clock: systemClock,
      connection: daemon.connection,
      peerConnection: () => daemon.peerConnection,
    });
  return {
    hypervisor: again(),
    again,
    spec: (name) => tinySpec({ guest, root, place, name }),
    async leftovers() {
      const { stdout } = await run('virsh', ['-c', daemon.connection, 'list', '--all', '--name']);
      const names = stdout.split('\n').filter((name) => name.trim() !== '');
      return [...names, ...(await readdir(directory)), ...processesOf(directory)];
    },
  };
}

/** Processes that have the directory in their command line. */
function processesOf(directory: string): string[] {
  return globSync('/proc/[0-9]*/cmdline').filter((path) => {
    try {
      return readFileSync(path, 'latin1').includes(`${directory}/`);
    } catch {
      return false;
    }
  });
}
