import { KgetError } from '../../base/error.ts';
import { makeDirectory } from '../../content/durable.ts';
import type {
  DiskSnapshotFigures,
  Hypervisor,
  SnapshotFigures,
  SnapshotRequest,
} from '../hypervisor.ts';
import { backupEnd, confirmDisksInUse, dropStaleExport } from './backup.ts';
import { dropCheckpoints } from './checkpoints.ts';
import type { DriverContext } from './context.ts';
import type { Domain } from './domains.ts';
import { finishSnapshot } from './finish-snapshot.ts';
import { saveMemory } from './save-memory.ts';
import { addEarlier, firstPass, fixPoint, needsFirstPass } from './snapshot-pass.ts';
import { planSnapshot, type SnapshotPlan } from './snapshot-plan.ts';

interface FixedPoint {
  readonly plan: SnapshotPlan;
  /** Null if the copying is under way. */
  readonly copiedBytes: number | null;
  /** Of a pass before. */
  readonly earlier: readonly DiskSnapshotFigures[];
}

/** Snapshots by libvirt's backups in push mode; memory by an external snapshot of memory alone. */
export function snapshotCalls(
  context: DriverContext,
  busy: Set<string>,
): Pick<Hypervisor, 'beginSnapshot'> {
  const { domains, clock, virsh } = context;

  /** If the caller thinks better of it, the snapshot before is still the latest. */
  async function untilReady(domain: Domain, { whenReady }: SnapshotRequest): Promise<void> {
    try {
      await whenReady?.();
    } catch (error) {
      const { snapshot } = domain.record;
      // If that fails, the next one copies everything.
      await domains.remember(domain, { snapshot }).catch(() => undefined);
      throw error;
    }
  }

  async function begin(name: string, request: SnapshotRequest) {
    const domain = await domains.expect(name, ['running', 'paused'], 'take a snapshot of');
    await confirmDisksInUse(context, domain);
    await dropStaleExport(context, name);
    await makeDirectory(request.directory);
    const planned = await planSnapshot(context, domain, request);
    await domains.remember(domain, { snapshot: null });
    if (!request.memory) await untilReady(domain, request);
    const stops = request.memory && domain.state === 'running';
    const first = stops && needsFirstPass(planned) ? await firstPass(context, planned) : null;
    const beganAtMs = clock.nowMs();
    if (stops) await virsh.run(['suspend', name]);
    let point: FixedPoint;
    try {
      point = await fixAll(first?.next ?? planned, first?.figures ?? []);
    } catch (error) {
      if (stops) await virsh.attempt(['resume', name]);
      throw error;
    }
    if (stops && !request.leavePaused) await virsh.run(['resume', name]);
    return { point, pausedMs: stops ? clock.nowMs() - beganAtMs : 0 };
  }

  /**
   * QEMU puts disks away while it saves memory, until the machine goes on: what is copied then makes
   * QEMU 7.2 crash. So all is copied before.
   */
  async function fixAll(
    planned: SnapshotPlan,
    earlier: readonly DiskSnapshotFigures[],
  ): Promise<FixedPoint> {
    const plan = await fixPoint(context, planned);
    if (!planned.request.memory) return { plan, copiedBytes: null, earlier };
    const copiedBytes = await backupEnd(context, plan.domain.name);
    await saveMemory(context, plan);
    return { plan, copiedBytes, earlier };
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
  { plan, copiedBytes, earlier }: FixedPoint,
): Promise<SnapshotFigures> {
  const { domain, request, checkpoint } = plan;
  const copied = copiedBytes ?? (await backupEnd(context, domain.name));
  const figures = await finishSnapshot(context, plan, copied);
  await dropCheckpoints(context, domain.name, checkpoint);
  if (checkpoint !== null) {
    const { directory } = request;
    await context.domains.remember(domain, { snapshot: { directory, checkpoint } });
  }
  return { ...figures, disks: figures.disks.map((disk) => addEarlier(disk, earlier)) };
}
