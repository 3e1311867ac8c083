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
import { startLibvirtd, type TestLibvirtd } from './libvirtd.ts';
import { tinySpec } from './qemu-fixture.ts';
import { tinyGuest, type TinyGuest } from './tiny-guest.ts';
import { tinyObserver } from './tiny-observer.ts';
import { until } from './until.ts';

const run = promisify(execFile);

const KILL_LIMIT_MS = 10_000;

/** Two hosts: two daemons of our own, each with a directory for machines. */
export async function libvirtFixture(): Promise<HypervisorFixture> {
  const root = await mkdtemp(join(tmpdir(), 'kgetplus-libvirt-'));
  const guest = await tinyGuest();
  const daemons: TestLibvirtd[] = [];
  async function host(name: string): Promise<FixtureHost> {
    const place = join(root, name);
    const daemon = await startLibvirtd(join(place, 'daemon'), `kgetplus-${name}`);
    daemons.push(daemon);
    return libvirtHost(daemon, { place, guest, root });
  }
  async function close(): Promise<void> {
    for (const daemon of daemons) await daemon.close();
    await rm(root, { recursive: true, force: true });
  }
  try {
    return {
      here: await host('here'),
      there: await host('there'),
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
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
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
