import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotRequest } from '../hypervisor.ts';
import { snapshotDisks } from '../vm-spec.ts';
import type { Backup } from './backup.ts';
import { dirtySizes } from './checkpoints.ts';
import type { DriverContext } from './context.ts';
import { domainDisks, type Domain, type DomainDisk } from './domains.ts';

/** How a snapshot is taken, and why it is not incremental. */
export interface SnapshotPlan {
  readonly domain: Domain;
  readonly request: SnapshotRequest;
  /** The disks that it is of. */
  readonly disks: readonly DomainDisk[];
  /** The checkpoint that it is an increment to; null for everything. */
  readonly since: string | null;
  readonly reason: string | null;
  /** The checkpoint that is made with it; null if a disk has no place for one. */
  readonly checkpoint: string | null;
  /** By disk: what was marked as dirty just before. */
  readonly dirtyBytes: ReadonlyMap<string, number>;
}

/** Where the copy of a whole disk goes first: in raw files libvirt's zeros would take room. */
export function wholeCopyPath(directory: string, disk: string): string {
  return join(directory, `.${disk}.qcow2`);
}

/** Whether a snapshot can be incremental, and to what. */
export async function planSnapshot(
  context: DriverContext,
  domain: Domain,
  request: SnapshotRequest,
): Promise<SnapshotPlan> {
  const wanted = snapshotDisks(domain.spec);
  const disks = domainDisks(domain).filter(({ name }) => wanted.includes(name));
  const keepsBitmaps = disks.every(({ format }) => format === 'qcow2');
  const checkpoint = keepsBitmaps ? newCheckpoint() : null;
  const common = { domain, request, disks, checkpoint };
  const whole = { ...common, since: null, dirtyBytes: new Map<string, number>() };
  if (request.full) return { ...whole, reason: null };
  const reason = await whyNotIncremental(domain, request, disks);
  const since = domain.record.snapshot?.checkpoint;
  if (reason !== null || since === undefined) return { ...whole, reason };
  const dirtyBytes = await dirtySizes(context, domain, since);
  return { ...common, since, reason, dirtyBytes };
}

async function whyNotIncremental(
  { record }: Domain,
  { directory }: SnapshotRequest,
  disks: readonly DomainDisk[],
): Promise<string | null> {
  const raw = disks.find(({ format }) => format !== 'qcow2');
  if (raw !== undefined) return `disk ${raw.name} is ${raw.format}, which keeps no bitmap`;
  if (record.snapshot === null) return 'there is no earlier snapshot that is whole';
  const earlier = record.snapshot.directory;
  if (earlier !== directory) return `the latest snapshot is in ${earlier}`;
  for (const { name } of disks) {
    const found = await stat(join(directory, `${name}.raw`)).catch(() => undefined);
    if (found === undefined) return `${name}.raw of the latest snapshot is gone`;
  }
  return null;
}

/** A name that no checkpoint has or had. */
export function newCheckpoint(): string {
  return `kgetplus-${randomBytes(6).toString('hex')}`;
}

/** The backup that a plan comes to. */
export function backupOf({ domain, request, disks, since, checkpoint }: SnapshotPlan): Backup {
  return {
    name: domain.name,
    since,
    checkpoint,
    socket: null,
    disks: domainDisks(domain).map((disk) => {
      if (!disks.some(({ target }) => target === disk.target)) return { disk, target: null };
      const path =
        since === null
          ? wholeCopyPath(request.directory, disk.name)
          : join(request.directory, `${disk.name}.raw`);
      const format = since === null ? 'qcow2' : 'raw';
      return { disk, target: { kind: 'file', path, format } };
    }),
  };
}
