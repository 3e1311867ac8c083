import { appendFileSync } from 'node:fs';
import { KgetError } from '../../base/error.ts';
import type { VmSpec } from '../vm-spec.ts';
import { newDisk, type SimulatedDisk } from './disk.ts';
import { stopMachine } from './endings.ts';
import { newMachine, type SimulatedMachine } from './machine.ts';
import type { SimulatedHost } from './world.ts';

/** @throws KgetError `usage` if what a disk starts from is not there */
export function disksOf(spec: VmSpec): ReadonlyMap<string, SimulatedDisk> {
  const disks = spec.disks.filter((disk) => disk.access === 'copy-on-write');
  return new Map(disks.map((disk) => [disk.name, newDisk(disk)]));
}

/** @throws KgetError `usage` if there is one of its name */
export function addMachine(
  host: SimulatedHost,
  spec: VmSpec,
  disks: ReadonlyMap<string, SimulatedDisk>,
): SimulatedMachine {
  refuseSecond(host, spec);
  const { clock } = host.world;
  const machine = newMachine({ spec, disks, clock, script: host.scriptOf(spec) });
  host.machines.set(spec.name, machine);
  return machine;
}

/** @throws KgetError `usage` */
export function refuseSecond({ name, machines }: SimulatedHost, spec: VmSpec): void {
  if (!machines.has(spec.name)) return;
  throw new KgetError('usage', `Cannot make machine "${spec.name}" on ${name}: there is one`);
}

/** Somebody may still wait for the end of a machine that never ran. */
export function removeMachine(host: SimulatedHost, machine: SimulatedMachine): void {
  stopMachine(machine);
  host.machines.delete(machine.spec.name);
  for (const tell of machine.onExit) tell({ reason: 'stopped', detail: 'it was removed' });
}

/** @throws KgetError `usage` if there is none of this name */
export function diskOf({ spec, disks }: SimulatedMachine, name: string): SimulatedDisk {
  const disk = disks.get(name);
  if (disk !== undefined) return disk;
  const found = `it has ${[...disks.keys()].join(', ')}`;
  throw new KgetError('usage', `Cannot find disk "${name}" of machine "${spec.name}": ${found}`);
}

/** A file that cannot be written is found out now, and not in the middle of the guest's life. */
export function openChannels(spec: VmSpec): void {
  for (const channel of spec.channels) {
    if (channel.kind !== 'file') continue;
    try {
      appendFileSync(channel.path, '');
    } catch (cause) {
      const tried = `Cannot start machine "${spec.name}"`;
      throw new KgetError('usage', `${tried}: cannot write ${channel.path}`, { cause });
    }
  }
}
