import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { KgetError, systemCode } from '../base/error.ts';
import { replaceFile, syncDirectory } from '../content/durable.ts';
import { ensureRoom, storeFailure } from '../content/room.ts';
import type { WantedVm } from '../control/host-calls.ts';
import { DISK_UNIT_BYTES, jobArchive, wholeUnits } from './job-archive.ts';
import { machineRecordText, parseMachineRecord } from './machine-record.ts';
import { machinePaths, type MachinePaths, type NodePlace } from './node-place.ts';

/** What a machine takes at once besides its outputs: its overlay, logs and archives. */
const FIRST_NEED_BYTES = 64 * 1024 * 1024;

/** Whether the disk of outputs is one that another host has made, and shares with this one. */
export type Outputs = 'own' | 'elsewhere';

/**
 * Makes the files of a machine, its record last. If it throws, none of them is there.
 * @throws KgetError `usage` if the machine is there already; `no-room`, `target-unwritable`
 */
export async function makeMachineFiles(
  place: NodePlace,
  wanted: WantedVm,
  outputs: Outputs = 'own',
): Promise<MachinePaths> {
  const paths = machinePaths(place, wanted.name);
  const title = `machine "${wanted.name}"`;
  if (existsSync(paths.record)) {
    throw new KgetError('usage', `Cannot make ${title}: it is on this node already; remove it`);
  }
  const neededBytes = FIRST_NEED_BYTES + (wanted.task?.outputRoomBytes ?? 0);
  const stored = { title, directory: place.vms, neededBytes };
  try {
    ensureRoom(stored);
    // Without a record it is what a crash has left, or the base of a foreign machine's snapshots.
    rmSync(paths.directory, { recursive: true, force: true });
    mkdirSync(paths.directory, { mode: 0o700 });
    if (outputs === 'elsewhere') writeFileSync(paths.elsewhere, '');
    fill(paths, wanted.task);
    await replaceFile(paths.record, machineRecordText(wanted));
    await syncDirectory(place.vms);
  } catch (error) {
    removeMachineFiles(place, wanted.name);
    throw storeFailure(error, stored);
  }
  return paths;
}

function fill(paths: MachinePaths, task: WantedVm['task']): void {
  for (const path of [paths.status, paths.log, paths.console]) writeFileSync(path, '');
  if (task === null) return;
  writeFileSync(paths.job, jobArchive(task));
  if (existsSync(paths.elsewhere)) return;
  const outputs = openSync(paths.outputs, 'w', 0o600);
  try {
    ftruncateSync(outputs, Math.max(wholeUnits(task.outputRoomBytes), DISK_UNIT_BYTES));
  } finally {
    closeSync(outputs);
  }
}

/** The machine is something else from now on. @throws KgetError `no-room`, `target-unwritable` */
export async function replaceMachineRecord(paths: MachinePaths, wanted: WantedVm): Promise<void> {
  const text = machineRecordText(wanted);
  try {
    await replaceFile(paths.record, text);
  } catch (error) {
    const title = `the record of machine "${wanted.name}"`;
    throw storeFailure(error, { title, directory: paths.directory, neededBytes: text.length });
  }
}

/** Null for a machine that is not ours. @throws KgetError `corrupt`, `version` */
export function readMachineRecord(paths: MachinePaths): WantedVm | null {
  try {
    return parseMachineRecord({ text: readFileSync(paths.record, 'utf8'), file: paths.record });
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null;
    throw error;
  }
}

/** The machines of ours on this node, by name. @throws KgetError `corrupt`, `version` */
export function readMachineRecords(place: NodePlace): ReadonlyMap<string, WantedVm> {
  const records = new Map<string, WantedVm>();
  for (const vm of readdirSync(place.vms)) {
    const record = readMachineRecord(machinePaths(place, vm));
    if (record !== null) records.set(vm, record);
  }
  return records;
}

/** Removes the files of a machine, its record when all else is gone. Idempotent. */
export function removeMachineFiles(place: NodePlace, vm: string): void {
  const paths = machinePaths(place, vm);
  if (!existsSync(paths.elsewhere)) rmSync(paths.outputs, { force: true });
  for (const name of namesIn(paths.directory)) {
    const path = join(paths.directory, name);
    const isLast = path === paths.record || path === paths.elsewhere;
    if (!isLast) rmSync(path, { recursive: true, force: true });
  }
  rmSync(paths.record, { force: true });
  rmSync(paths.directory, { recursive: true, force: true });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
