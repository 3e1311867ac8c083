import { rm } from 'node:fs/promises';
import type { DiskSnapshotFigures } from '../hypervisor.ts';
import { backupEnd, beginBackup } from './backup.ts';
import { dropCheckpoints } from './checkpoints.ts';
import type { DriverContext } from './context.ts';
import { finishSnapshot } from './finish-snapshot.ts';
import { backupOf, newCheckpoint, wholeCopyPath, type SnapshotPlan } from './snapshot-plan.ts';
import { virshFailure } from './virsh.ts';

/** Copied while a machine is paused for its memory: 2 s at 128 MiB/s. */
const MAX_PAUSED_COPY_BYTES = 256 * 2 ** 20;

/** Whether so much is to be copied that a part of it must be while the machine still runs. */
export function needsFirstPass({ since, checkpoint, dirtyBytes }: SnapshotPlan): boolean {
  if (checkpoint === null) return false;
  const sum = [...dirtyBytes.values()].reduce((total, bytes) => total + bytes, 0);
  return since === null || sum > MAX_PAUSED_COPY_BYTES;
}

/** Copies what is to be copied now, so that little is left for the plan that comes `next`. */
export async function firstPass(
  context: DriverContext,
  planned: SnapshotPlan,
): Promise<{ readonly figures: readonly DiskSnapshotFigures[]; readonly next: SnapshotPlan }> {
  const plan = await fixPoint(context, planned);
  const copiedBytes = await backupEnd(context, plan.domain.name);
  const disksOnly = { ...plan, request: { ...plan.request, memory: false } };
  const { disks } = await finishSnapshot(context, disksOnly, copiedBytes);
  await dropCheckpoints(context, plan.domain.name, plan.checkpoint);
  const next = { ...planned, since: plan.checkpoint, checkpoint: newCheckpoint() };
  return { figures: disks, next: { ...next, dirtyBytes: new Map() } };
}

/** The figures of a disk with those of a pass before. */
export function addEarlier(
  figures: DiskSnapshotFigures,
  earlier: readonly DiskSnapshotFigures[],
): DiskSnapshotFigures {
  const before = earlier.find(({ disk }) => disk === figures.disk);
  if (before === undefined) return figures;
  const copiedBytes = before.copiedBytes + figures.copiedBytes;
  if (before.mode === 'full') return { ...before, copiedBytes };
  const dirtyBytes = (before.dirtyBytes ?? 0) + (figures.dirtyBytes ?? 0);
  return { ...figures, copiedBytes, dirtyBytes: figures.mode === 'full' ? null : dirtyBytes };
}

/** Begins the backup: incremental if it was planned and libvirt can, else of everything. */
export async function fixPoint(context: DriverContext, plan: SnapshotPlan): Promise<SnapshotPlan> {
  const { name } = plan.domain;
  await Promise.all(
    plan.disks.map(async (disk) =>
      rm(wholeCopyPath(plan.request.directory, disk.name), { force: true }),
    ),
  );
  const answer = await beginBackup(context, backupOf(plan));
  if (answer.done) return plan;
  if (plan.since === null) throw virshFailure(['backup-begin', name], answer.complaint);
  await dropCheckpoints(context, name, null);
  const whole = { ...plan, since: null, reason: `libvirt says: ${answer.complaint}` };
  return fixPoint(context, whole);
}
