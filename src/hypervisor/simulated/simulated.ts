import { existsSync } from 'node:fs';
import { KgetError } from '../../base/error.ts';
import type { DiskExport, Hypervisor, MigrationEndpoint } from '../hypervisor.ts';
import { lengthOf, BLOCK_BYTES, writtenRuns, type SimulatedDisk } from './disk.ts';
import { awaitEnd, freezeGuest, shutDown, stopMachine, thawGuest } from './endings.ts';
import { SWITCHED_ON } from './guest.ts';
import {
  beginSession,
  factsOf,
  holdMachine,
  requireState,
  type SimulatedMachine,
} from './machine.ts';
import { migrate } from './migration.ts';
import { runMachine } from './progress.ts';
import { readSnapshot } from './saved-memory.ts';
import { addMachine, diskOf, disksOf, openChannels, refuseSecond, removeMachine } from './shelf.ts';
import { beginSnapshot } from './snapshot.ts';
import { admit, machineOf, type SimulatedHost } from './world.ts';

export interface SimulatedOptions {
  readonly host: SimulatedHost;
  /** Gives a disk to be read over NBD; without it `exportDisk` throws `version`. */
  readonly serveDisk?: (disk: SimulatedDisk) => Promise<DiskExport>;
}

/**
 * A driver of machines that are made of memory and virtual time: what they do is in their scripts,
 * and files of snapshots are real. Calls take no time but where it matters: copying disks, moving
 * machines, waiting for guests. All files are written at once, so a clock that steps on whenever
 * nothing else happens gives the same run each time.
 */
export function simulatedHypervisor({ host, serveDisk }: SimulatedOptions): Hypervisor {
  const { machines } = host;
  const find = (name: string): SimulatedMachine => machineOf(machines, name);

  return {
    kind: 'simulated',
    probe: async () => ({ version: '1.0', accelerator: 'none', arch: 'x86_64' }),
    list: async () => [...machines.keys()].map((name) => factsOf(find(name))),
    look: async (name) => factsOf(find(name)),

    async create(spec) {
      addMachine(host, spec, disksOf(spec));
    },
    async start(name) {
      const machine = find(name);
      requireState(machine, 'start', ['defined', 'stopped']);
      admit(host, machine.spec);
      openChannels(machine.spec);
      beginSession(machine, SWITCHED_ON);
      runMachine(machine);
    },
    stop: async (name) => stopMachine(find(name)),
    shutdown: async (name, options) => shutDown(find(name), options),
    waitForExit: async (name, signal) => awaitEnd(find(name), signal),
    async remove(name) {
      if (machines.has(name)) removeMachine(host, find(name));
    },

    async pause(name) {
      const machine = find(name);
      requireState(machine, 'pause', ['running']);
      holdMachine(machine, 'paused');
    },
    async resume(name) {
      const machine = find(name);
      requireState(machine, 'resume', ['paused', 'suspended']);
      if (machine.state === 'suspended') {
        admit(host, machine.spec);
        beginSession(machine, machine.memory);
      }
      runMachine(machine);
    },
    async suspend(name) {
      const machine = find(name);
      requireState(machine, 'suspend', ['running', 'paused']);
      holdMachine(machine, 'suspended');
      machine.session += 1;
    },

    freeze: async (name, options) => freezeGuest(find(name), options),
    thaw: async (name) => thawGuest(find(name)),
    beginSnapshot: async (name, request) => beginSnapshot(host, find(name), request),
    async restore(spec, from) {
      const { disks, memory } = readSnapshot(spec, from);
      refuseSecond(host, spec);
      if (memory !== null) {
        admit(host, spec);
        openChannels(spec);
      }
      const machine = addMachine(host, spec, disks);
      if (memory === null) return;
      beginSession(machine, memory);
      holdMachine(machine, 'paused');
    },
    async exportDisk(name, disk) {
      const found = diskOf(find(name), disk);
      if (serveDisk !== undefined) return serveDisk(found);
      throw new KgetError('version', `Cannot export disk "${disk}" of "${name}": it is simulated`);
    },
    async dirtyMap(name, disk) {
      const { mark, sizeBytes, writtenBytes } = diskOf(find(name), disk);
      if (mark === null) return null;
      const since = { fromBytes: mark.writtenBytes, toBytes: writtenBytes };
      const extents = writtenRuns(sizeBytes, since);
      return { granularityBytes: BLOCK_BYTES, dirtyBytes: lengthOf(extents), extents };
    },

    async prepareMigration(spec) {
      refuseSecond(host, spec);
      admit(host, spec);
      openChannels(spec);
      const machine = addMachine(host, spec, disksOf(spec));
      beginSession(machine, SWITCHED_ON);
      holdMachine(machine, 'incoming');
      const endpoint: MigrationEndpoint = { host: host.name, session: machine.session };
      return endpoint;
    },
    migrate: async (name, endpoint, options) => migrate(host, find(name), { endpoint, options }),
    async finishMigration(name) {
      const machine = find(name);
      requireState(machine, 'go on with', ['incoming']);
      if (!machine.hasArrived) {
        throw new KgetError('usage', `Cannot go on with "${name}": it has not arrived`);
      }
      machine.hasArrived = false;
      runMachine(machine);
    },
    async abandonMigration(name) {
      const machine = machines.has(name) ? find(name) : undefined;
      if (machine?.state === 'incoming') removeMachine(host, machine);
    },
    async switchBase(name, disk, to) {
      const machine = find(name);
      const found = diskOf(machine, disk);
      if (machine.state === 'incoming' || !existsSync(to.path)) {
        const why = existsSync(to.path) ? 'it is incoming' : `there is no file ${to.path}`;
        throw new KgetError('usage', `Cannot change disk "${disk}" of "${name}": ${why}`);
      }
      found.base ??= to;
    },
  };
}
