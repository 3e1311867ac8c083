import { join } from 'node:path';
import { makeDirectory, replaceFile, syncDirectory } from '../../content/durable.ts';
import { KgetError } from '../../base/error.ts';
import type {
  DiskSnapshotFigures,
  SnapshotFigures,
  SnapshotRequest,
  SnapshotUnderWay,
} from '../hypervisor.ts';
import {
  awaitBackup,
  BACKUP_PREFIX,
  beginBackup,
  closeTargets,
  dirtyBytesOf,
  openTargets,
  planBackup,
  finishFiles,
  type DiskPlan,
} from './backup.ts';
import { clearJobs } from './jobs.ts';
import type { Machine } from './machine.ts';
import { saveMemory } from './memory.ts';
import { describeMemory } from './memory-description.ts';
import type { Qmp } from './qmp.ts';
import { dropMarker, holdsLatest, setMarker } from './snapshot-marker.ts';
import { askStatus } from './states.ts';

type Plan = DiskPlan & { readonly dirtyBytes: number | null };

/** See `Hypervisor.beginSnapshot`. The machine runs, or is paused. */
export async function beginSnapshot(
  machine: Machine,
  request: SnapshotRequest,
): Promise<SnapshotUnderWay> {
  const { host, places, title } = machine;
  if ((await askStatus(machine)) === 'postmigrate') {
    // QEMU has given up its disks, and takes them back only when the guest goes on.
    const advice = 'its memory was saved and it has not gone on since; resume it first';
    throw new KgetError('usage', `Cannot take a snapshot of ${title}: ${advice}`);
  }
  await makeDirectory(request.directory);
  const { work, begun } = await new Promise<Started>((resolve, reject) => {
    const finished = host.sessions.use({ path: places.control, title }, async (qmp) => {
      const copy = request.memory ? withMemory : disksOnly;
      try {
        return await copy(qmp, machine, request, (it) =>
          resolve({ begun: it, work: () => finished }),
        );
      } catch (error) {
        if (!qmp.ended.aborted) await clearJobs(qmp, BACKUP_PREFIX, host.clock);
        throw error;
      }
    });
    // Whoever waits for its end later hears of it then.
    finished.catch(reject);
  });
  return { ...begun, finished: work() };
}

interface Started {
  readonly begun: { readonly pausedMs: number };
  /** A promise in a promise would be waited for. */
  readonly work: () => Promise<SnapshotFigures>;
}

type Begun = (begun: { pausedMs: number }) => void;

async function disksOnly(
  qmp: Qmp,
  machine: Machine,
  request: SnapshotRequest,
  begun: Begun,
): Promise<SnapshotFigures> {
  const prepared = await prepare(qmp, machine, request);
  try {
    await request.whenReady?.();
  } catch (error) {
    await closeTargets(qmp, prepared);
    // Nothing was written to its files: the snapshot before is still the latest.
    const isUntouched = prepared.every(({ mode }) => mode === 'incremental');
    if (isUntouched) await setMarker(machine, request.directory);
    throw error;
  }
  // Only now: freezing has the guest write what it had in memory.
  const plans = await withDirty(qmp, prepared);
  await beginBackup(qmp, plans);
  begun({ pausedMs: 0 });
  const copied = await awaitBackup(qmp, machine, plans);
  await closeTargets(qmp, plans);
  const disks = await complete(machine, request, { plans, copied });
  return { disks, memoryBytes: 0 };
}

/**
 * QEMU gives up its disks when memory is saved, so nothing may be copied from them then. Most is
 * copied while the guest runs; what it has written meanwhile, and its memory, when it stands still.
 */
async function withMemory(
  qmp: Qmp,
  machine: Machine,
  request: SnapshotRequest,
  begun: Begun,
): Promise<SnapshotFigures> {
  const { clock } = machine.host;
  const wasRunning = (await askStatus(machine)) === 'running';
  const plans = await withDirty(qmp, await prepare(qmp, machine, request));
  const copied: DiskSnapshotFigures[][] = [];
  const copy = async (round: readonly Plan[]): Promise<void> => {
    await beginBackup(qmp, round);
    copied.push(await awaitBackup(qmp, machine, round));
  };
  await copy(plans);
  const stopped = clock.nowMs();
  let memoryBytes: number;
  try {
    if (wasRunning) {
      await qmp.execute('stop');
      await copy(plans.map((plan) => ({ ...plan, mode: 'incremental' })));
    }
    await closeTargets(qmp, plans);
    memoryBytes = await saveMemory(qmp, machine, join(request.directory, 'memory'));
    if (wasRunning && !request.leavePaused) await qmp.execute('cont');
  } catch (error) {
    if (wasRunning && !qmp.ended.aborted) await qmp.execute('cont');
    throw error;
  }
  begun({ pausedMs: wasRunning ? clock.nowMs() - stopped : 0 });
  const description = await describeMemory(machine);
  await replaceFile(join(request.directory, 'memory.json'), description);
  const disks = await complete(machine, request, { plans, copied: sum(copied) });
  return { disks, memoryBytes };
}

async function prepare(
  qmp: Qmp,
  machine: Machine,
  request: SnapshotRequest,
): Promise<readonly DiskPlan[]> {
  const { directory, full } = request;
  await clearJobs(qmp, BACKUP_PREFIX, machine.host.clock);
  const isLatest = holdsLatest(machine, directory);
  const plans = await planBackup(qmp, machine, { directory, full, isLatest });
  await dropMarker(machine, directory);
  await openTargets(qmp, plans);
  return plans;
}

async function withDirty(qmp: Qmp, plans: readonly DiskPlan[]): Promise<Plan[]> {
  const told: Plan[] = [];
  for (const plan of plans) told.push({ ...plan, dirtyBytes: await dirtyBytesOf(qmp, plan) });
  return told;
}

async function complete(
  machine: Machine,
  { directory }: SnapshotRequest,
  { plans, copied }: { plans: readonly DiskPlan[]; copied: readonly DiskSnapshotFigures[] },
): Promise<DiskSnapshotFigures[]> {
  const disks = await finishFiles(machine, plans, copied);
  await syncDirectory(directory);
  await setMarker(machine, directory);
  return disks;
}

/** Of one round or two: what the first one did, and all that was copied. */
function sum([first = [], ...more]: readonly DiskSnapshotFigures[][]): DiskSnapshotFigures[] {
  return first.map((figures, index) => {
    const extra = more.reduce((bytes, round) => bytes + (round[index]?.copiedBytes ?? 0), 0);
    return { ...figures, copiedBytes: figures.copiedBytes + extra };
  });
}
