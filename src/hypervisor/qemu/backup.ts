import { existsSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../../base/assert.ts';
import { KgetError } from '../../base/error.ts';
import type { DiskSnapshotFigures } from '../hypervisor.ts';
import { refuseBases } from '../refuse-bases.ts';
import { allNodes, awaitJob, type DiskNode } from './jobs.ts';
import { baseOf, type Machine } from './machine.ts';
import { ownDisks, type OwnDisk } from './places.ts';
import { punchHoles } from './punch.ts';
import type { Qmp } from './qmp.ts';

/** The bitmap of what was written since the latest snapshot. */
export const BITMAP = 'kgetplus';
/** As chunks of images: what is copied in vain is small, and the bitmap, too (32 KiB a TiB). */
const GRANULARITY_BYTES = 65_536;
/** Of stat(2). */
const BLOCK_BYTES = 512;
/** Ids of jobs and names of nodes begin so. */
export const BACKUP_PREFIX = 'backup-';

/** How a disk is brought into its file. */
export interface DiskPlan {
  readonly disk: OwnDisk;
  readonly path: string;
  readonly sizeBytes: number;
  readonly mode: 'full' | 'incremental';
  readonly reason: string | null;
}

export interface PlanRequest {
  readonly directory: string;
  readonly full: boolean;
  /** Whether the directory holds the snapshot that the bitmaps began at. */
  readonly isLatest: boolean;
}

/** Decides for each disk that snapshots are of. @throws KgetError as `refuseBases` */
export async function planBackup(
  qmp: Qmp,
  { record }: Pick<Machine, 'record'>,
  request: PlanRequest,
): Promise<DiskPlan[]> {
  refuseBases(record.spec.name, basesOf(record), request.directory);
  const nodes = await allNodes(qmp);
  return ownDisks(record.spec).map((disk) => {
    const node = nodes.find((it) => it.node === disk.node);
    const path = join(request.directory, `${disk.name}.raw`);
    const fileBytes = existsSync(path) ? statSync(path).size : null;
    const reason = request.full ? null : whyFull({ node, fileBytes, isLatest: request.isLatest });
    const mode = request.full || reason !== null ? 'full' : 'incremental';
    return { disk, path, sizeBytes: node?.sizeBytes ?? 0, mode, reason };
  });
}

function basesOf(record: Machine['record']): ReadonlyMap<string, string> {
  const paths = record.spec.disks.flatMap((disk) => {
    const base = disk.access === 'copy-on-write' ? baseOf(record, disk) : null;
    return base?.kind === 'file' ? [[disk.name, base.path] as const] : [];
  });
  return new Map(paths);
}

interface Found {
  readonly node: DiskNode | undefined;
  readonly fileBytes: number | null;
  readonly isLatest: boolean;
}

/** Why everything of a disk has to be copied; null if what is dirty will do. */
function whyFull({ node, fileBytes, isLatest }: Found): string | null {
  if (!isLatest) return 'the directory does not hold the latest snapshot of the machine';
  const bitmap = node?.bitmaps.find(({ name }) => name === BITMAP);
  if (bitmap === undefined) return 'the disk has no dirty bitmap';
  if (bitmap.inconsistent) return 'the dirty bitmap is inconsistent: the machine was killed';
  if (fileBytes !== node?.sizeBytes) return 'the file of the latest snapshot has another size';
  return null;
}

/** What is dirty; null for what is copied whole. */
export async function dirtyBytesOf(qmp: Qmp, plan: DiskPlan): Promise<number | null> {
  if (plan.mode === 'full') return null;
  const node = (await allNodes(qmp)).find((it) => it.node === plan.disk.node);
  return node?.bitmaps.find(({ name }) => name === BITMAP)?.dirtyBytes ?? null;
}

/** Makes files and nodes that backups write to, and drops bitmaps that are of no use. */
export async function openTargets(qmp: Qmp, plans: readonly DiskPlan[]): Promise<void> {
  const nodes = await allNodes(qmp);
  for (const { disk, path, mode, sizeBytes } of plans) {
    if (mode === 'full') {
      const bitmaps = nodes.find(({ node }) => node === disk.node)?.bitmaps ?? [];
      if (bitmaps.some(({ name }) => name === BITMAP)) {
        await qmp.execute('block-dirty-bitmap-remove', { node: disk.node, name: BITMAP });
      }
      // Emptied first: all of it is a hole then.
      await using file = await open(path, 'w', 0o600);
      await file.truncate(sizeBytes);
    }
    const unmap = { discard: 'unmap', 'detect-zeroes': 'unmap' };
    await qmp.execute('blockdev-add', {
      driver: 'raw',
      'node-name': targetOf(disk),
      ...unmap,
      file: { driver: 'file', 'node-name': `${targetOf(disk)}-f`, filename: path, ...unmap },
    });
  }
}

export async function closeTargets(qmp: Qmp, plans: readonly DiskPlan[]): Promise<void> {
  for (const { disk } of plans) {
    await qmp.execute('blockdev-del', { 'node-name': targetOf(disk) });
  }
}

const targetOf = ({ node }: OwnDisk): string => `${BACKUP_PREFIX}${node}`;

/** Fixes the point in time of all disks at once, and begins to copy. */
export async function beginBackup(qmp: Qmp, plans: readonly DiskPlan[]): Promise<void> {
  const actions = plans.flatMap(({ disk, mode }) => {
    const target = targetOf(disk);
    const backup = { 'job-id': target, device: disk.node, target, 'auto-dismiss': false };
    if (mode === 'incremental') {
      const data = { ...backup, sync: 'incremental', bitmap: BITMAP };
      return [{ type: 'blockdev-backup', data }];
    }
    const bitmap = { node: disk.node, name: BITMAP, persistent: true };
    const added = { ...bitmap, granularity: GRANULARITY_BYTES };
    return [
      { type: 'block-dirty-bitmap-add', data: added },
      { type: 'blockdev-backup', data: { ...backup, sync: 'full' } },
    ];
  });
  if (actions.length > 0) await qmp.execute('transaction', { actions });
}

/** Waits for all of them, even if one fails. */
export async function awaitBackup(
  qmp: Qmp,
  machine: Machine,
  plans: readonly (DiskPlan & { readonly dirtyBytes: number | null })[],
): Promise<DiskSnapshotFigures[]> {
  const { clock } = machine.host;
  const copies = plans.map(async ({ disk, mode, reason, dirtyBytes }) => {
    const what = `copy disk "${disk.name}" of ${machine.title}`;
    const copiedBytes = await awaitJob(qmp, targetOf(disk), { clock, what });
    return { disk: disk.name, mode, reason, dirtyBytes, copiedBytes };
  });
  const settled = await Promise.allSettled(copies);
  const failed = settled.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
  return Promise.all(copies);
}

/** Syncs the files of disks, without room for what is zero; what their copies came to. */
export async function finishFiles(
  { host }: Machine,
  plans: readonly DiskPlan[],
  copied: readonly DiskSnapshotFigures[],
): Promise<DiskSnapshotFigures[]> {
  const finished: DiskSnapshotFigures[] = [];
  for (const figures of copied) {
    const plan = plans.find(({ disk }) => disk.name === figures.disk);
    assert(plan !== undefined, 'what was copied was planned');
    if (plan.mode === 'full') await punchHoles(host.programs, plan.path);
    await using file = await open(plan.path, 'r+');
    await file.sync();
    const { blocks, size } = await file.stat();
    if (size !== plan.sizeBytes) {
      const fault = `${plan.path} has ${size} bytes, wanted ${plan.sizeBytes}`;
      throw new KgetError('internal', `Cannot use the copy of disk "${figures.disk}": ${fault}`);
    }
    // The job of a whole disk counts the holes, too.
    const isWhole = plan.mode === 'full';
    finished.push(isWhole ? { ...figures, copiedBytes: blocks * BLOCK_BYTES } : figures);
  }
  return finished;
}
