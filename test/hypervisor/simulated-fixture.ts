import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DiskExport } from '../../src/hypervisor/hypervisor.ts';
import {
  BLOCK_BYTES,
  stampOf,
  writeRaw,
  type SimulatedDisk,
} from '../../src/hypervisor/simulated/disk.ts';
import type { GuestScript } from '../../src/hypervisor/simulated/guest.ts';
import { simulatedHypervisor } from '../../src/hypervisor/simulated/simulated.ts';
import {
  simulatedWorld,
  type SimulatedHost,
  type SimulatedHostOptions,
} from '../../src/hypervisor/simulated/world.ts';
import type { VmSpec } from '../../src/hypervisor/vm-spec.ts';
import { serveNbd } from '../../src/nbd/serve-nbd.ts';
import { idleClock } from '../coordinator/idle-clock.ts';
import { memoryDisk } from '../nbd/memory-disk.ts';
import type { FixtureHost, GuestObserver, HypervisorFixture } from './contract/fixture.ts';
import { idleGuest } from './simulated-guests.ts';

const MEBIBYTE = 2 ** 20;
const DISK_BYTES = 16 * MEBIBYTE;
const COUNT_EVERY_MS = 100;

/** How often is looked for what a guest is to say. */
const MAX_LOOKS = 10_000;

const SCRIPT = idleGuest({ memoryBytesPerSecond: MEBIBYTE });

export const HOST: SimulatedHostOptions = {
  name: 'node1',
  memoryBytes: 1024 * MEBIBYTE,
  diskBytesPerSecond: 100 * MEBIBYTE,
  linkBytesPerSecond: 100 * MEBIBYTE,
  pauseMs: 50,
  scriptOf: () => SCRIPT,
};

/** An empty directory with `base.raw`, which all machines start from. */
export function machineDirectory({ diskBytes = DISK_BYTES } = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'kgetplus-simulated-'));
  const base = join(directory, 'base.raw');
  closeSync(openSync(base, 'w'));
  truncateSync(base, diskBytes);
  return directory;
}

export function specOf(
  name: string,
  { directory, memoryBytes = 128 * MEBIBYTE }: { directory: string; memoryBytes?: number },
): VmSpec {
  const base = { kind: 'file', path: join(directory, 'base.raw'), format: 'raw' } as const;
  return {
    name,
    arch: 'x86_64',
    cpus: 1,
    memoryBytes,
    boot: { kind: 'disk' },
    disks: [{ name: 'root', access: 'copy-on-write', base }],
    channels: [{ kind: 'guest-agent' }],
    consolePath: null,
    network: 'none',
  };
}

/** For the suite of all drivers: two hosts, in time that passes when nothing else happens. */
export async function simulatedFixture(): Promise<HypervisorFixture> {
  const directory = machineDirectory();
  const clock = idleClock();
  const world = simulatedWorld({ clock });
  const hosts = new Map<FixtureHost, SimulatedHost>();
  let snapshots = 0;

  function addHost(name: string): FixtureHost {
    const host = world.addHost({ ...HOST, name });
    const driver = () =>
      simulatedHypervisor({ host, serveDisk: (disk) => serveDisk(disk, directory) });
    const fixtureHost: FixtureHost = {
      hypervisor: driver(),
      again: driver,
      spec: (machine) => specOf(machine, { directory }),
      leftovers: async () => [...host.machines.keys()],
    };
    hosts.set(fixtureHost, host);
    return fixtureHost;
  }

  function guestOf(at: FixtureHost, name: string) {
    const host = hosts.get(at);
    assert.ok(host !== undefined);
    return host.guest(name);
  }

  const guest: GuestObserver = {
    async counter(at, name) {
      const upMs = guestOf(at, name).upMs();
      return upMs < 0 ? 0 : Math.floor(upMs / COUNT_EVERY_MS) + 1;
    },
    async counterBeyond(at, name, number) {
      for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
        const counter = await guest.counter(at, name);
        if (counter > number) return counter;
        await clock.sleep(COUNT_EVERY_MS);
      }
      return assert.fail(`the guest does not count beyond ${number}`);
    },
    write: async (at, name, sizeBytes) => guestOf(at, name).write(sizeBytes),
    async boot(at, name) {
      await at.hypervisor.start(name);
      await guest.counterBeyond(at, name, 0);
    },
    ignorePowerButton: async (at, name) => guestOf(at, name).ignoreButton(),
    panic: async (at, name) => guestOf(at, name).panic(),
    powerOff: async (at, name) => guestOf(at, name).powerOff(),
  };

  const here = addHost('here');
  return {
    here,
    there: addHost('there'),
    can: { migrate: true, memory: true, panic: true, exportDisk: true, dirtyMap: true },
    guest,
    snapshotDirectory: async () => join(directory, `snapshot-${(snapshots += 1)}`),
    checkFileSystem: async (path) => void checkRaw(path),
    kill: async (name) => hosts.get(here)?.kill(name),
    close: async () => rmSync(directory, { recursive: true }),
  };
}

/** Gives a disk as it is now, over NBD, until it is closed. */
async function serveDisk(disk: SimulatedDisk, directory: string): Promise<DiskExport> {
  const place = mkdtempSync(join(directory, 'export-'));
  const socketPath = join(place, 'nbd');
  writeRaw(disk, join(place, 'raw'), disk.writtenBytes);
  const served = memoryDisk(readFileSync(join(place, 'raw')));
  const server = await serveNbd({
    listen: { kind: 'unix', path: socketPath },
    exports: {
      names: () => ['disk'],
      open: async (name) => (name === 'disk' ? served : undefined),
    },
    onNotice: (text) => assert.fail(text),
  });
  const { sizeBytes } = disk;
  async function close(): Promise<void> {
    await server.close();
    rmSync(place, { recursive: true, force: true });
  }
  return { socketPath, exportName: 'disk', sizeBytes, close };
}

/**
 * A guest writes one block behind the other, round and round, so up to a block all are of one round,
 * and behind it all are of the round before. Gives how many blocks were written in all.
 */
export function checkRaw(path: string): number {
  const raw = readFileSync(path);
  assert.equal(raw.length, DISK_BYTES);
  const blocks = DISK_BYTES / BLOCK_BYTES;
  const round = Number(raw.readBigUInt64LE(0));
  let current = 0;
  while (current < blocks && Number(raw.readBigUInt64LE(current * BLOCK_BYTES)) === round) {
    current += 1;
  }
  for (let block = 0; block < blocks; block += 1) {
    const wanted = block < current ? round : round - 1;
    const stamp = raw.subarray(block * BLOCK_BYTES).subarray(0, 16);
    const expected = wanted > 0 ? stampOf((wanted - 1) * blocks + block, blocks) : Buffer.alloc(16);
    assert.deepEqual(stamp, expected, `block ${block} of ${path}`);
  }
  return round === 0 ? 0 : (round - 1) * blocks + current;
}

/** A host by itself, with guests as they are wanted. */
export function oneHost(
  scriptOf: (name: string) => GuestScript,
  more: Partial<SimulatedHostOptions> = {},
) {
  const clock = idleClock();
  const world = simulatedWorld({ clock });
  const host = world.addHost({ ...HOST, ...more, scriptOf: ({ name }) => scriptOf(name) });
  return { clock, world, host, hypervisor: simulatedHypervisor({ host }) };
}
