import { existsSync, rmSync, statSync } from 'node:fs';
import { KgetError } from '../../base/error.ts';
import { makeDirectory, syncDirectory } from '../../content/durable.ts';
import type { SnapshotFiles } from '../hypervisor.ts';
import { snapshotDisks, type VmSpec } from '../vm-spec.ts';
import { MACHINE_TYPES } from './arguments.ts';
import {
  baseOf,
  findMachine,
  overlayOf,
  titleOf,
  writeRecord,
  type Machine,
  type MachineRecord,
  type QemuHost,
} from './machine.ts';
import { confirmFits, readDescription } from './memory-description.ts';
import { placesOf, type Places } from './places.ts';

export interface Making {
  readonly spec: VmSpec;
  readonly bases?: MachineRecord['bases'];
  readonly machineType?: string;
  /** Copy-on-write disks that are there already, where other hosts see them, too. */
  readonly sharedDisks?: 'make' | 'adopt';
}

/** Makes a machine; if this throws, nothing of it is left. @throws KgetError `usage`, `no-room` */
export async function makeMachine(host: QemuHost, making: Making): Promise<Machine> {
  const { spec, bases = {}, machineType = MACHINE_TYPES[spec.arch] } = making;
  const places = placesOf(host.directory, spec.name);
  const title = titleOf(spec.name);
  if (existsSync(places.record)) {
    throw new KgetError('usage', `Cannot make ${title}: there is one of this name already`);
  }
  const record = { spec, bases, machineType, sharedDirectory: host.sharedDirectory };
  confirmFiles(record);
  // Those may be of a machine of this name on another host: nothing may touch them.
  if (making.sharedDisks !== 'adopt') refuseShared(places, record);
  // What somebody has begun to make, or to remove.
  removeFiles(places);
  try {
    await makeDirectory(places.directory);
    if (making.sharedDisks !== 'adopt') await makeOverlays(host, places, record);
    await syncDirectory(places.directory);
    await writeRecord(places, record);
  } catch (error) {
    if (making.sharedDisks !== 'adopt') removeOverlays(places, record);
    removeFiles(places);
    throw error;
  }
  return findMachine(host, spec.name);
}

/** Removes what a machine has taken; it has ended. */
export function removeMachine({ places, record }: Machine): void {
  const isElsewhere = record.sharedDirectory !== null && existsSync(places.moved);
  if (!isElsewhere) removeOverlays(places, record);
  removeFiles(places);
}

function removeFiles({ directory, sockets }: Places): void {
  rmSync(sockets, { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
}

function removeOverlays(places: Places, record: MachineRecord): void {
  for (const disk of snapshotDisks(record.spec)) {
    rmSync(overlayOf(places, record, disk), { force: true });
  }
}

/** @throws KgetError `usage` if a disk is there already, where other hosts see it, too */
function refuseShared(places: Places, record: MachineRecord): void {
  if (record.sharedDirectory === null) return;
  for (const disk of snapshotDisks(record.spec)) {
    const path = overlayOf(places, record, disk);
    if (!existsSync(path)) continue;
    const found = `${path} is there already; remove it if no host has such a machine`;
    throw new KgetError('usage', `Cannot make disk "${disk}": ${found}`);
  }
}

async function makeOverlays(host: QemuHost, places: Places, record: MachineRecord): Promise<void> {
  if (record.sharedDirectory !== null) await makeDirectory(record.sharedDirectory);
  for (const disk of record.spec.disks) {
    if (disk.access !== 'copy-on-write') continue;
    const base = baseOf(record, disk);
    const from = base.kind === 'file' ? base.path : base.url;
    const path = overlayOf(places, record, disk.name);
    await host.programs.image(['create', '-q', '-f', 'qcow2', '-F', base.format, '-b', from, path]);
  }
}

/** @throws KgetError `usage` for the first file that is not there */
function confirmFiles(record: MachineRecord): void {
  const { spec } = record;
  const disks = spec.disks.map((disk) => {
    if (disk.access !== 'copy-on-write') return disk.path;
    const base = baseOf(record, disk);
    return base.kind === 'file' ? base.path : null;
  });
  const boot = spec.boot.kind === 'kernel' ? [spec.boot.kernel, spec.boot.initramfs] : [];
  for (const path of [...disks, ...boot]) {
    if (path === null || existsSync(path)) continue;
    throw new KgetError('usage', `Cannot make ${titleOf(spec.name)}: there is no file ${path}`);
  }
}

/**
 * What a machine is made from when it is made from a snapshot.
 * @throws KgetError `corrupt` if the files are not those of such a machine
 */
export function fromSnapshot(spec: VmSpec, { disks, memory }: SnapshotFiles): Making {
  const bases: Record<string, { path: string; format: 'raw' }> = {};
  const refuse = `Cannot restore ${titleOf(spec.name)}`;
  for (const disk of snapshotDisks(spec)) {
    const path = disks[disk];
    if (path === undefined) {
      throw new KgetError('corrupt', `${refuse}: the snapshot has no disk "${disk}"`);
    }
    if (!existsSync(path) || statSync(path).size === 0) {
      throw new KgetError('corrupt', `${refuse}: disk "${disk}" is missing or empty: ${path}`);
    }
    bases[disk] = { path, format: 'raw' };
  }
  if (memory === null) return { spec, bases };
  const description = readDescription(memory.description);
  confirmFits(description, spec);
  if (!existsSync(memory.state)) {
    throw new KgetError('corrupt', `${refuse}: there is no memory at ${memory.state}`);
  }
  return { spec, bases, machineType: description.machineType };
}
