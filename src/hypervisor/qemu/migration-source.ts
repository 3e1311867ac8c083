import { KgetError } from '../../base/error.ts';
import { replaceFile } from '../../content/durable.ts';
import type { MigrationEndpoint, MigrationFigures, MigrationOptions } from '../hypervisor.ts';
import { stopMachine } from './ending.ts';
import { awaitJob, awaitReady, clearJobs } from './jobs.ts';
import type { Machine } from './machine.ts';
import {
  awaitMigration,
  cancelMigration,
  setCapabilities,
  UNLIMITED_BYTES_PER_SECOND,
} from './memory.ts';
import { bracketed, endpointFields } from './migration-target.ts';
import { diskNode } from './places.ts';
import type { Qmp } from './qmp.ts';
import { askStatus } from './states.ts';
import type * as z from 'zod/mini';

/** Names of jobs and nodes begin so. */
const MOVE_PREFIX = 'move-';
/** The mirrors are level: they have only to let go. */
const LET_GO_LIMIT_MS = 30_000;

type Endpoint = z.infer<typeof endpointFields>;

/** See `Hypervisor.migrate`. */
export async function migrate(
  machine: Machine,
  endpoint: MigrationEndpoint,
  options: MigrationOptions,
): Promise<MigrationFigures> {
  const { host, places, title } = machine;
  const parsed = endpointFields.safeParse(endpoint);
  if (!parsed.success) {
    throw new KgetError('usage', `Cannot move ${title}: the target was not made ready by QEMU`);
  }
  const from = host.clock.nowMs();
  const move = async (qmp: Qmp) => {
    await clearJobs(qmp, MOVE_PREFIX, host.clock);
    try {
      return await moveAll(qmp, machine, parsed.data, options);
    } catch (error) {
      if (!qmp.ended.aborted) await takeBack(qmp, machine);
      throw error;
    }
  };
  const moved = await host.sessions.use({ path: places.control, title }, move);
  const to = `${parsed.data.host}:${parsed.data.port}`;
  await replaceFile(places.moved, `${JSON.stringify({ to })}\n`);
  await stopMachine(machine, `it has moved to ${to}`);
  return { ...moved, totalMs: host.clock.nowMs() - from };
}

async function moveAll(
  qmp: Qmp,
  machine: Machine,
  endpoint: Endpoint,
  options: MigrationOptions,
): Promise<Omit<MigrationFigures, 'totalMs'>> {
  const { title, host } = machine;
  const { clock } = host;
  const what = `move ${title} to ${endpoint.host}`;
  const { signal, limitMs, downtimeLimitMs, bytesPerSecond } = options;
  const until = clock.nowMs() + limitMs;
  const left = () => ({ clock, what, signal, limitMs: Math.max(0, until - clock.nowMs()) });
  const moves = options.sharedStorage ? [] : movedDisks(machine);
  let diskBytes = 0;
  for (const disk of moves) await beginMirror(qmp, disk, endpoint, bytesPerSecond);
  for (const { id } of moves) diskBytes += await awaitReady(qmp, id, left());
  await setCapabilities(qmp, { pauseBeforeSwitchover: true });
  await qmp.execute('migrate-set-parameters', {
    'max-bandwidth': bytesPerSecond ?? UNLIMITED_BYTES_PER_SECOND,
    'downtime-limit': downtimeLimitMs,
  });
  await qmp.execute('migrate', { uri: `tcp:${bracketed(endpoint.host)}:${endpoint.port}` });
  await awaitMigration(qmp, ['pre-switchover'], left());
  for (const { id } of moves) {
    // Level, and the guest stands still: the target has all of it.
    await qmp.execute('block-job-cancel', { device: id, force: false });
    await awaitJob(qmp, id, { clock, what, limitMs: LET_GO_LIMIT_MS });
    await qmp.execute('blockdev-del', { 'node-name': id });
  }
  await qmp.execute('migrate-continue', { state: 'pre-switchover' });
  const done = await awaitMigration(qmp, ['completed'], left());
  const memoryBytes = done.ram?.transferred ?? 0;
  return { downtimeMs: done.downtime ?? 0, movedBytes: memoryBytes + diskBytes };
}

interface MovedDisk {
  readonly node: string;
  readonly id: string;
  readonly sync: 'top' | 'full';
}

/** Copy-on-write disks have the same base on both hosts; other disks have nothing in common. */
function movedDisks({ record }: Machine): MovedDisk[] {
  return record.spec.disks.flatMap(({ access }, index): MovedDisk[] => {
    if (access === 'read-only') return [];
    const node = diskNode(index);
    const sync = access === 'copy-on-write' ? 'top' : 'full';
    return [{ node, id: `${MOVE_PREFIX}${node}`, sync }];
  });
}

async function beginMirror(
  qmp: Qmp,
  { node, id, sync }: MovedDisk,
  { host, diskPort }: Endpoint,
  bytesPerSecond: number | null,
): Promise<void> {
  await qmp.execute('blockdev-add', {
    driver: 'nbd',
    'node-name': id,
    export: node,
    server: { type: 'inet', host, port: `${diskPort}` },
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

/** Nothing came of it: the guest goes on here, as if nothing had been. */
async function takeBack(qmp: Qmp, machine: Machine): Promise<void> {
  await cancelMigration(qmp, machine.host.clock);
  await clearJobs(qmp, MOVE_PREFIX, machine.host.clock);
  if ((await askStatus(machine)) !== 'running') await qmp.execute('cont');
}
