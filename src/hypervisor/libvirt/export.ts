import { rm, stat } from 'node:fs/promises';
import * as z from 'zod/mini';
import { KgetError } from '../../base/error.ts';
import type { DirtyMap, DiskExport, Hypervisor } from '../hypervisor.ts';
import {
  abortBackup,
  beginBackup,
  confirmDisksInUse,
  dropStaleExport,
  type BackupTarget,
} from './backup.ts';
import { placesOf, type DriverContext } from './context.ts';
import { diskImage } from './disk-image.ts';
import { domainDisks, type Domain } from './domains.ts';
import { parseJson } from './parse-json.ts';
import { virshFailure } from './virsh.ts';

/** QEMU's default for qcow2 of the usual cluster size, which libvirt leaves as it is. */
const GRANULARITY_BYTES = 65_536;

const BITMAP = 'dirty';

const mapped = z.array(z.object({ start: z.number(), length: z.number(), data: z.boolean() }));

/**
 * Disks over NBD, by libvirt's backups in pull mode. libvirt has one for a machine at a time, so
 * that `open` names the machines with one.
 */
export function exportCalls(
  context: DriverContext,
  open: Set<string>,
): Pick<Hypervisor, 'exportDisk' | 'dirtyMap'> {
  const { domains, clock } = context;

  async function begin(domain: Domain, disk: string, since: string | null): Promise<DiskExport> {
    const { name } = domain;
    await confirmDisksInUse(context, domain);
    const places = placesOf(context, name);
    const known = domainDisks(domain);
    if (!known.some((it) => it.name === disk)) {
      throw new KgetError('usage', `Cannot export disk "${disk}" of machine "${name}": none such`);
    }
    const socketPath = places.socket(since === null ? 'export' : 'map');
    const scratch = places.scratch(disk);
    if (open.has(name)) throw busy(name);
    open.add(name);
    const sweep = async (): Promise<void> => {
      await Promise.all([socketPath, scratch].map(async (it) => rm(it, { force: true })));
      open.delete(name);
    };
    try {
      await dropStaleExport(context, name);
      await Promise.all([socketPath, scratch].map(async (it) => rm(it, { force: true })));
      const target: BackupTarget = { kind: 'export', scratch, bitmap: since && BITMAP };
      const disks = known.map((it) => ({ disk: it, target: it.name === disk ? target : null }));
      const backup = { name, disks, since, checkpoint: null, socket: socketPath };
      const answer = await beginBackup(context, backup);
      if (!answer.done) throw virshFailure(['backup-begin', name], answer.complaint);
      await stat(socketPath);
    } catch (error) {
      await sweep();
      throw error;
    }
    let closing: Promise<void> | undefined;
    return {
      socketPath,
      exportName: disk,
      sizeBytes: await capacityOf(context, name, known.find((it) => it.name === disk)?.target),
      close: async () => {
        closing ??= abortBackup(context, name).finally(sweep);
        return closing;
      },
    };
  }

  return {
    async exportDisk(name, disk) {
      return begin(await domains.expect(name, ['running', 'paused'], 'export'), disk, null);
    },
    async dirtyMap(name, disk) {
      const domain = await domains.expect(name, ['running', 'paused'], 'map');
      const { snapshot } = domain.record;
      if (snapshot === null) return null;
      let exported: DiskExport;
      try {
        exported = await begin(domain, disk, snapshot.checkpoint);
      } catch (error) {
        // The checkpoint is gone, or its bitmap cannot be trusted.
        const known = error instanceof KgetError && /checkpoint|bitmap/.test(error.message);
        if (known) return null;
        throw error;
      }
      try {
        const words = ['map', '--output=json', '--image-opts', bitmapOptions(exported)];
        return readMap(await diskImage(clock, words, 'copy'));
      } finally {
        await exported.close();
      }
    },
  };
}

async function capacityOf({ virsh }: DriverContext, name: string, target = ''): Promise<number> {
  const text = await virsh.run(['domblkinfo', name, target]);
  const found = /^Capacity:\s+(\d+)$/m.exec(text)?.[1];
  if (found !== undefined) return Number(found);
  throw new KgetError('protocol', `Cannot read the size of disk ${target}: libvirt says ${text}`);
}

/** qemu-img shows a bitmap as the map of an image in which what is marked is no data. */
function bitmapOptions({ socketPath, exportName }: DiskExport): string {
  const server = `server.type=unix,server.path=${quoted(socketPath)}`;
  const bitmap = `x-dirty-bitmap=qemu:dirty-bitmap:${BITMAP}`;
  return `driver=nbd,export=${quoted(exportName)},${server},${bitmap}`;
}

/** The marked parts in what `qemu-img map` says. @throws KgetError `protocol` */
export function readMap(text: string): DirtyMap {
  const parsed = z.safeParse(mapped, parseJson(text));
  if (!parsed.success) {
    throw new KgetError('protocol', `Cannot read the map of qemu-img: ${text.slice(0, 100)}`);
  }
  const extents: { offset: number; lengthBytes: number }[] = [];
  for (const { start, length } of parsed.data.filter(({ data }) => !data)) {
    const last = extents.at(-1);
    if (last !== undefined && last.offset + last.lengthBytes === start) last.lengthBytes += length;
    else extents.push({ offset: start, lengthBytes: length });
  }
  const dirtyBytes = extents.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  return { granularityBytes: GRANULARITY_BYTES, dirtyBytes, extents };
}

function busy(name: string): KgetError {
  const found = 'one of its disks is exported already';
  return new KgetError(
    'usage',
    `Cannot export a disk of machine "${name}": ${found}; close it first`,
  );
}

/** A value among the options of QEMU: a comma in it is written twice. */
function quoted(value: string): string {
  return value.replaceAll(',', ',,');
}
