import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { KgetError } from '../../base/error.ts';
import type { DirtyMap, DiskExport } from '../hypervisor.ts';
import { BITMAP } from './backup.ts';
import { clearJobs, nodeOf } from './jobs.ts';
import type { Machine } from './machine.ts';
import { ownDisks, type OwnDisk } from './places.ts';
import { QmpRefusal, type Qmp } from './qmp.ts';
import { processOf } from './process.ts';

/** Names of jobs and nodes begin so. */
const EXPORT_PREFIX = 'export-';
/** A copy of the bitmap that stands still while it is read. */
const READ_BITMAP = 'kgetplus-read';

function diskOf({ record, title }: Machine, name: string): OwnDisk {
  const disk = ownDisks(record.spec).find((it) => it.name === name);
  if (disk !== undefined) return disk;
  throw new KgetError('usage', `${title} has no copy-on-write disk "${name}"`);
}

const control = ({ places, title }: Machine) => ({ path: places.control, title });

/**
 * Gives a disk as it is now: what the guest overwrites is kept in a file of its own meanwhile
 * (QEMU, docs/interop/live-block-operations.rst: "fleecing").
 */
export async function exportDisk(machine: Machine, name: string): Promise<DiskExport> {
  const { host, places } = machine;
  const disk = diskOf(machine, name);
  const id = `${EXPORT_PREFIX}${disk.node}`;
  const scratch = join(places.directory, `${id}.qcow2`);
  let sizeBytes = 0;
  const giveUp = async (qmp: Qmp): Promise<void> => {
    await endExport(qmp, id);
    await clearJobs(qmp, id, host.clock);
    await endServer(qmp);
  };
  await host.sessions.use(control(machine), async (qmp) => {
    await refuseSecond(qmp, id, machine);
    rmSync(scratch, { force: true });
    try {
      ({ sizeBytes } = await nodeOf(qmp, disk.node));
      await host.programs.image(['create', '-q', '-f', 'qcow2', scratch, `${sizeBytes}`]);
      await qmp.execute('blockdev-add', {
        driver: 'qcow2',
        'node-name': id,
        backing: disk.node,
        file: { driver: 'file', filename: scratch },
      });
      const fix = { 'job-id': id, device: disk.node, target: id, sync: 'none' };
      await qmp.execute('blockdev-backup', { ...fix, 'auto-dismiss': false });
      await beginServer(qmp, places.nbd);
      const named = { type: 'nbd', id, 'node-name': id, name };
      await qmp.execute('block-export-add', named);
    } catch (error) {
      if (!qmp.ended.aborted) await giveUp(qmp).catch(() => undefined);
      rmSync(scratch, { force: true });
      throw error;
    }
  });
  let isClosed = false;
  return {
    socketPath: places.nbd,
    exportName: name,
    sizeBytes,
    async close() {
      if (isClosed) return;
      isClosed = true;
      try {
        if (processOf(places) !== undefined) {
          await host.sessions.use(control(machine), async (qmp) => giveUp(qmp));
        }
      } finally {
        rmSync(scratch, { force: true });
        rmSync(places.nbd, { force: true });
      }
    },
  };
}

const exports = z.array(z.object({ id: z.string() }));

async function refuseSecond(qmp: Qmp, id: string, { title }: Machine): Promise<void> {
  const found = exports.parse(await qmp.execute('query-block-exports'));
  if (found.length === 0) return;
  // One server has one socket: its end would be the end of the other, too.
  throw new KgetError('usage', `Cannot give ${id}: another disk of ${title} is being read`);
}

async function beginServer(qmp: Qmp, path: string): Promise<void> {
  rmSync(path, { force: true });
  await qmp.execute('nbd-server-start', { addr: { type: 'unix', data: { path } } });
}

async function endServer(qmp: Qmp): Promise<void> {
  await qmp.execute('nbd-server-stop').catch(passOver);
}

async function endExport(qmp: Qmp, id: string): Promise<void> {
  await qmp.execute('block-export-del', { id, mode: 'hard' }).catch(passOver);
  // It is gone when QEMU says so, or when there is no server for it any more.
}

/** It was not there. */
function passOver(error: unknown): void {
  if (!(error instanceof QmpRefusal)) throw error;
}

const mapped = z.array(z.object({ start: z.number(), length: z.number(), data: z.boolean() }));

/** What is dirty: a copy of the bitmap is exported, and read by qemu-img. */
export async function dirtyMap(machine: Machine, name: string): Promise<DirtyMap | null> {
  const { host, places } = machine;
  const disk = diskOf(machine, name);
  return host.sessions.use(control(machine), async (qmp) => {
    const { bitmaps } = await nodeOf(qmp, disk.node);
    const bitmap = bitmaps.find((it) => it.name === BITMAP);
    if (bitmap === undefined || bitmap.inconsistent) return null;
    const id = `${EXPORT_PREFIX}map`;
    await refuseSecond(qmp, id, machine);
    const copy = { node: disk.node, name: READ_BITMAP };
    await qmp.execute('block-dirty-bitmap-remove', copy).catch(passOver);
    const granularity = bitmap.granularityBytes;
    try {
      await qmp.execute('transaction', {
        actions: [
          { type: 'block-dirty-bitmap-add', data: { ...copy, granularity, disabled: true } },
          {
            type: 'block-dirty-bitmap-merge',
            data: { node: disk.node, target: READ_BITMAP, bitmaps: [BITMAP] },
          },
        ],
      });
      await beginServer(qmp, places.nbd);
      const named = { type: 'nbd', id, 'node-name': disk.node, name, bitmaps: [READ_BITMAP] };
      await qmp.execute('block-export-add', named);
      return await readMap(machine, name, granularity);
    } finally {
      if (!qmp.ended.aborted) {
        await endExport(qmp, id);
        await endServer(qmp);
        await qmp.execute('block-dirty-bitmap-remove', copy).catch(passOver);
      }
      rmSync(places.nbd, { force: true });
    }
  });
}

async function readMap(
  { host, places }: Machine,
  name: string,
  granularityBytes: number,
): Promise<DirtyMap> {
  const image = JSON.stringify({
    driver: 'nbd',
    'server.type': 'unix',
    'server.path': places.nbd,
    export: name,
    'x-dirty-bitmap': `qemu:dirty-bitmap:${READ_BITMAP}`,
  });
  const text = await host.programs.image(['map', '--output=json', `json:${image}`]);
  // With that option what is dirty is told as having no data (QEMU, qapi/block-core.json).
  const extents: { offset: number; lengthBytes: number }[] = [];
  for (const { start, length, data } of mapped.parse(JSON.parse(text))) {
    if (data) continue;
    const last = extents.at(-1);
    if (last !== undefined && last.offset + last.lengthBytes === start) last.lengthBytes += length;
    else extents.push({ offset: start, lengthBytes: length });
  }
  const dirtyBytes = extents.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  return { granularityBytes, dirtyBytes, extents };
}
