import { rm } from 'node:fs/promises';
import { KgetError } from '../../base/error.ts';
import { makeDirectory } from '../../content/durable.ts';
import type { Hypervisor, SnapshotFigures, SnapshotRequest } from '../hypervisor.ts';
import { backupEnd, beginBackup, dropStaleExport } from './backup.ts';
import { dropCheckpoints } from './checkpoints.ts';
import type { DriverContext } from './context.ts';
import { finishSnapshot } from './finish-snapshot.ts';
import { saveMemory } from './save-memory.ts';
import { backupOf, planSnapshot, wholeCopyPath, type SnapshotPlan } from './snapshot-plan.ts';
import { virshFailure } from './virsh.ts';

interface FixedPoint {
  readonly plan: SnapshotPlan;
  /** Null if the copying is under way. */
  readonly copiedBytes: number | null;
}

/** Snapshots by libvirt's backups in push mode; memory by an external snapshot of memory alone. */
export function snapshotCalls(
  context: DriverContext,
  busy: Set<string>,
): Pick<Hypervisor, 'beginSnapshot'> {
  const { domains, clock, virsh } = context;

  async function begin(name: string, request: SnapshotRequest) {
    const domain = await domains.expect(name, ['running', 'paused'], 'take a snapshot of');
    await dropStaleExport(context, name);
    await makeDirectory(request.directory);
    const planned = await planSnapshot(context, domain, request);
    await domains.remember(domain, { snapshot: null });
    const stops = request.memory && domain.state === 'running';
    const beganAtMs = clock.nowMs();
    if (stops) await virsh.run(['suspend', name]);
    let point: FixedPoint;
    try {
      point = await (request.memory ? fixWithMemory(planned) : fixDisks(planned));
    } catch (error) {
      if (stops) await virsh.attempt(['resume', name]);
      throw error;
    }
    if (stops && !request.leavePaused) await virsh.run(['resume', name]);
    return { point, pausedMs: stops ? clock.nowMs() - beganAtMs : 0 };
  }

  async function fixDisks(planned: SnapshotPlan): Promise<FixedPoint> {
    return { plan: await fixPoint(context, planned), copiedBytes: null };
  }

  /**
   * QEMU puts its bitmaps away while it saves memory, until the machine goes on: what is dirty is
   * copied before. A whole disk, which takes long, is copied after, while the machine goes on.
   */
  async function fixWithMemory(planned: SnapshotPlan): Promise<FixedPoint> {
    if (planned.since === null) {
      await saveMemory(context, planned);
      return fixDisks(planned);
    }
    const plan = await fixPoint(context, planned);
    const copiedBytes = await backupEnd(context, plan.domain.name);
    await saveMemory(context, plan);
    return { plan, copiedBytes };
  }

  return {
    async beginSnapshot(name, request) {
      if (busy.has(name)) {
        const found = 'one of its disks is exported, or a snapshot of it is under way';
        throw new KgetError('usage', `Cannot take a snapshot of machine "${name}": ${found}`);
      }
      busy.add(name);
      try {
        const { point, pausedMs } = await begin(name, request);
        const finished = finish(context, point).finally(() => busy.delete(name));
        // Whoever waits for it hears of it; that nobody waits yet is no fault.
        finished.catch(() => undefined);
        return { pausedMs, finished };
      } catch (error) {
        busy.delete(name);
        throw error;
      }
    },
  };
}

async function finish(
  context: DriverContext,
  { plan, copiedBytes }: FixedPoint,
): Promise<SnapshotFigures> {
  const { domain, request, checkpoint } = plan;
  const copied = copiedBytes ?? (await backupEnd(context, domain.name));
  const figures = await finishSnapshot(context, plan, copied);
  await dropCheckpoints(context, domain.name, checkpoint);
  if (checkpoint !== null) {
    const { directory } = request;
    await context.domains.remember(domain, { snapshot: { directory, checkpoint } });
  }
  return figures;
}

/** Begins the backup: incremental if it was planned and libvirt can, else of everything. */
async function fixPoint(context: DriverContext, plan: SnapshotPlan): Promise<SnapshotPlan> {
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
