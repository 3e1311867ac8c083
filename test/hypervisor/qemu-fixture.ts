import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../src/base/system-clock.ts';
import type { Hypervisor } from '../../src/hypervisor/hypervisor.ts';
import type { VmSpec } from '../../src/hypervisor/vm-spec.ts';
import { qemuHypervisor } from '../../src/hypervisor/qemu/qemu.ts';
import type { FixtureHost, HypervisorFixture } from './contract/fixture.ts';
import { tinyGuest, type TinyGuest } from './tiny-guest.ts';
import { until } from './until.ts';
import { tinyObserver } from './tiny-observer.ts';
import { TINY_COMMAND_DISK, TINY_STATUS_PORT } from './tiny-guest-scripts.ts';

const run = promisify(execFile);

const MEMORY_BYTES = 128 * 2 ** 20;
const KILL_LIMIT_MS = 10_000;

export interface QemuFixture extends HypervisorFixture {
  readonly root: string;
  readonly tiny: TinyGuest;
  readonly there: FixtureHost;
}

/** Two hosts of QEMU machines: two directories of this one, below `under`. */
export async function qemuFixture(under = ''): Promise<QemuFixture> {
  const top = await mkdtemp(join(tmpdir(), 'kgetplus-qemu-'));
  const root = join(top, under);
  mkdirSync(root, { recursive: true });
  const guest = await tinyGuest();
  const here = qemuHost(join(root, 'here'), guest, root);
  const there = qemuHost(join(root, 'there'), guest, root);
  return {
    root,
    tiny: guest,
    here,
    there,
    can: { migrate: true, memory: true, panic: true, exportDisk: true, dirtyMap: true },
    guest: tinyObserver(root),
    snapshotDirectory: async () => mkdtemp(join(root, 'snapshot-')),
    async checkFileSystem(path) {
      await run('e2fsck', ['-fn', path]);
    },
    async kill(name) {
      const path = join(root, 'here/vms', name, 'pid');
      const pid = Number(readFileSync(path, 'utf8'));
      process.kill(pid, 'SIGKILL');
      await until(() => (existsSync(`/proc/${pid}`) ? undefined : true), KILL_LIMIT_MS);
    },
    async close() {
      for (const { hypervisor } of [here, there]) {
        for (const { name } of await hypervisor.list()) await hypervisor.remove(name);
      }
      await rm(top, { recursive: true, force: true });
    },
  };
}

function qemuHost(place: string, guest: TinyGuest, root: string): FixtureHost {
  const directory = join(place, 'vms');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const again = (): Hypervisor =>
    qemuHypervisor({ directory, clock: systemClock, accelerator: 'tcg' });
  return {
    hypervisor: again(),
    again,
    spec: (name) => tinySpec({ guest, root, place, name }),
    async leftovers() {
      const files = await readdir(directory);
      return [...files, ...processesOf(directory)];
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

export interface TinyPlaces {
  readonly guest: TinyGuest;
  /** Where the command disks lie, the same for both hosts. */
  readonly root: string;
  /** The host's own. */
  readonly place: string;
  readonly name: string;
}

/** A machine that boots the test guest; its command disk is made if it is not there. */
export function tinySpec({ guest, root, place, name }: TinyPlaces): VmSpec {
  const commands = join(root, `${name}.commands`);
  if (!existsSync(commands)) writeFileSync(commands, Buffer.alloc(65_536));
  const base = { kind: 'file', path: guest.disk, format: 'raw' } as const;
  const { kernel, initramfs, commandLine } = guest;
  return {
    name,
    arch: 'x86_64',
    cpus: 1,
    memoryBytes: MEMORY_BYTES,
    boot: { kind: 'kernel', kernel, initramfs, commandLine },
    disks: [
      { name: 'root', access: 'copy-on-write', base },
      { name: TINY_COMMAND_DISK, access: 'read-only', path: commands, format: 'raw' },
    ],
    channels: [
      { kind: 'file', name: TINY_STATUS_PORT, path: join(place, `${name}.status`) },
      { kind: 'guest-agent' },
    ],
    consolePath: join(place, `${name}.console`),
    network: 'none',
  };
}
