import { basename } from 'node:path';
import { TARGET } from './cluster.ts';
import type { DiskNode, FileNode } from './machine/disk.ts';
import { idOf, type Process } from './machine/process.ts';

const SNAPSHOTS = `${TARGET}/snapshots`;
const LEASES = `${TARGET}/.kgetplus/leases`;
const STAGING = `${TARGET}/.kgetplus/staging`;

/**
 * What nobody will remove in a store into which a run has ended well. The leases of processes that
 * were killed stay until `prune`. What they had staged is taken over by the agent that is started
 * next, of which `last` was the last one.
 */
export function leftInStore(processes: readonly Process[], last: Process | undefined): string[] {
  const entries = last?.host.disk.find(LEASES);
  const staged = last?.host.disk.find(STAGING);
  const left: string[] = [];
  const hasLostPower = processes.some(
    ({ host, ended }) => host === last?.host && ended?.how === 'power',
  );
  for (const name of entries?.kind === 'directory' ? entries.entries.keys() : []) {
    const owner = ownerOf(name, processes);
    // A loss of power may bring one back that was removed.
    if (owner?.ended?.how === 'exit' && !hasLostPower)
      left.push(`${LEASES}/${name} is left, its process ended`);
  }
  for (const name of staged?.kind === 'directory' ? staged.entries.keys() : []) {
    const owner = ownerOf(name, processes);
    const wasDead = owner?.ended !== undefined && owner.ended.atMs < (last?.startedMs ?? 0);
    if (wasDead || (owner === last && last?.ended?.how === 'exit')) {
      left.push(`${STAGING}/${name} is left`);
    }
  }
  for (const part of partsBelow(last?.host.disk.find(SNAPSHOTS), SNAPSHOTS)) {
    // That of a dead agent is written over, if its image comes again in the same run.
    if (part.file.modifiedMs >= (last?.startedMs ?? 0)) left.push(`${part.path} is left`);
  }
  return left;
}

interface Part {
  readonly path: string;
  readonly file: FileNode;
}

/** Indexes that are not complete, and manifests that have not taken the place of others. */
function partsBelow(node: DiskNode | undefined, path: string): Part[] {
  if (node?.kind === 'file') return /kgetplus/.test(basename(path)) ? [{ path, file: node }] : [];
  return [...(node?.entries ?? [])].flatMap(([name, child]) =>
    partsBelow(child, `${path}/${name}`),
  );
}

/** The process that took the lease TIME-PID-HEX. */
function ownerOf(lease: string, processes: readonly Process[]): Process | undefined {
  return processes.find((process) => idOf(process) === Number(lease.split('-')[1]));
}
