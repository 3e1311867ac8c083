import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';
import { replaceFile, syncDirectory } from '../../content/durable.ts';
import type { DiskSnapshotFigures, SnapshotFigures } from '../hypervisor.ts';
import type { DriverContext } from './context.ts';
import { diskImage } from './disk-image.ts';
import { formatMemoryDescription, freshMemoryPath } from './save-memory.ts';
import { wholeCopyPath, type SnapshotPlan } from './snapshot-plan.ts';

const BLOCK_BYTES = 512;

const LOCKED_INTERVAL_MS = 100;
const MAX_LOCKED_ATTEMPTS = 300;

/** Gives the files of a snapshot their names, when libvirt has written them, and syncs them. */
export async function finishSnapshot(
  context: DriverContext,
  plan: SnapshotPlan,
  copiedBytes: number,
): Promise<SnapshotFigures> {
  const { directory, memory } = plan.request;
  const disks: DiskSnapshotFigures[] = [];
  for (const { name } of plan.disks) {
    const path = join(directory, `${name}.raw`);
    if (plan.since === null) await unpack(context, wholeCopyPath(directory, name), path);
    await syncFile(path);
    disks.push(await figuresOf(plan, name, copiedBytes));
  }
  const memoryBytes = memory ? await finishMemory(plan) : await dropMemory(directory);
  await syncDirectory(directory);
  return { disks, memoryBytes };
}

/** libvirt tells what it copied for all disks together, and what is dirty for each. */
async function figuresOf(
  { request, disks, since, reason, dirtyBytes }: SnapshotPlan,
  disk: string,
  copiedBytes: number,
): Promise<DiskSnapshotFigures> {
  if (since === null) {
    const { blocks } = await stat(join(request.directory, `${disk}.raw`));
    return { disk, mode: 'full', reason, dirtyBytes: null, copiedBytes: blocks * BLOCK_BYTES };
  }
  const alone = disks.length === 1 ? copiedBytes : undefined;
  const dirty = alone ?? dirtyBytes.get(disk) ?? 0;
  return { disk, mode: 'incremental', reason: null, dirtyBytes: dirty, copiedBytes: dirty };
}

async function unpack({ clock }: DriverContext, from: string, to: string): Promise<void> {
  const fresh = `${to}.kgetplus-new`;
  try {
    await released(clock, from);
    await diskImage(clock, ['convert', '-f', 'qcow2', '-O', 'raw', from, fresh], 'copy');
    await rename(fresh, to);
  } finally {
    await rm(fresh, { force: true });
    await rm(from, { force: true });
  }
}

/** libvirt says that a backup is done a moment before QEMU has closed its files. */
async function released(clock: Clock, path: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await diskImage(clock, ['info', path]);
      return;
    } catch (error) {
      const isLocked = error instanceof KgetError && /Failed to get .* lock/.test(error.message);
      if (!isLocked || attempt >= MAX_LOCKED_ATTEMPTS) throw error;
      await clock.sleep(LOCKED_INTERVAL_MS);
    }
  }
}

async function finishMemory({ domain, request }: SnapshotPlan): Promise<number> {
  const path = join(request.directory, 'memory');
  await rename(freshMemoryPath(request.directory), path);
  await syncFile(path);
  const type = domain.xml.attributes['type'] === 'kvm' ? 'kvm' : 'qemu';
  const text = formatMemoryDescription({ machine: domain.name, type });
  await replaceFile(join(request.directory, 'memory.json'), text);
  return (await stat(path)).size;
}

/** Memory of an earlier moment does not go with these disks. */
async function dropMemory(directory: string): Promise<number> {
  await rm(join(directory, 'memory.json'), { force: true });
  await rm(join(directory, 'memory'), { force: true });
  return 0;
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r');
  await file.sync();
}
