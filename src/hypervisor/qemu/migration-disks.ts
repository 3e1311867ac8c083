import { awaitJob, awaitReady, nodeOf, type JobTerms } from './jobs.ts';
import type { Machine } from './machine.ts';
import type { TlsWords } from './migration-identity.ts';
import type { Endpoint } from './migration-target.ts';
import { diskNode } from './places.ts';
import type { Qmp } from './qmp.ts';

/** Names of jobs and nodes begin so. */
export const MOVE_PREFIX = 'move-';
/** The mirrors are level: they have only to let go. */
const LET_GO_LIMIT_MS = 30_000;

/** Disks that are copied while the guest writes to them. */
export interface MovingDisks {
  /** Waits until the target has what was there, from when on it gets all that is written. */
  level(terms: () => JobTerms): Promise<void>;
  /** Ends the copying of a guest that stands still; bytes that were copied. */
  letGo(terms: JobTerms): Promise<number>;
}

interface MovingDisk {
  readonly node: string;
  readonly id: string;
  readonly sync: 'top' | 'full';
}

export interface DiskTarget {
  readonly endpoint: Endpoint;
  readonly tls: TlsWords;
  readonly bytesPerSecond: number | null;
}

/** Begins to copy all disks that are not the same on both hosts. */
export async function beginDisks(
  qmp: Qmp,
  machine: Machine,
  target: DiskTarget,
): Promise<MovingDisks> {
  const moving: { id: string; holeBytes: number }[] = [];
  for (const disk of disksToMove(machine)) {
    const { sizeBytes, allocatedBytes } = await nodeOf(qmp, disk.node);
    // The job counts them as copied, though only their lengths are sent.
    const holeBytes = disk.sync === 'full' ? Math.max(0, sizeBytes - allocatedBytes) : 0;
    await beginMirror(qmp, disk, target);
    moving.push({ id: disk.id, holeBytes });
  }
  return {
    async level(terms) {
      for (const { id } of moving) await awaitReady(qmp, id, terms());
    },
    async letGo({ clock, what }) {
      let copiedBytes = 0;
      for (const { id, holeBytes } of moving) {
        // Level, and the guest stands still: the target has all of it.
        await qmp.execute('block-job-cancel', { device: id, force: false });
        const passedBytes = await awaitJob(qmp, id, { clock, what, limitMs: LET_GO_LIMIT_MS });
        copiedBytes += Math.max(0, passedBytes - holeBytes);
        await qmp.execute('blockdev-del', { 'node-name': id });
      }
      return copiedBytes;
    },
  };
}

/** Copy-on-write disks have the same base on both hosts; other disks have nothing in common. */
function disksToMove({ record }: Machine): MovingDisk[] {
  return record.spec.disks.flatMap(({ access }, index): MovingDisk[] => {
    if (access === 'read-only') return [];
    const node = diskNode(index);
    const sync = access === 'copy-on-write' ? 'top' : 'full';
    return [{ node, id: `${MOVE_PREFIX}${node}`, sync }];
  });
}

async function beginMirror(
  qmp: Qmp,
  { node, id, sync }: MovingDisk,
  { endpoint, tls, bytesPerSecond }: DiskTarget,
): Promise<void> {
  await qmp.execute('blockdev-add', {
    driver: 'nbd',
    'node-name': id,
    export: node,
    server: { type: 'inet', host: endpoint.host, port: `${endpoint.diskPort}` },
    ...tls,
  });
  await qmp.execute('blockdev-mirror', {
    'job-id': id,
    device: node,
    target: id,
    sync,
    'auto-dismiss': false,
    // What the guest writes goes to both at once, so that the mirror is level in the end.
    'copy-mode': 'write-blocking',
    ...(bytesPerSecond === null ? {} : { speed: Math.ceil(bytesPerSecond) }),
  });
}
