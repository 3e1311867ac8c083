import { cut, type CutVm, type PlacedVm } from '../life/cut.ts';
import type { JobEnding } from '../job-spec.ts';
import type { JobPorts, PendingCut } from './ports.ts';
import type { SeenVm } from './survey.ts';

export interface CutWish {
  readonly kind: JobEnding['snapshot'];
  /** Names the cut on hosts: the same again after a crash, so that what that has left is replaced. */
  readonly name: string;
  /** Machines that were in a cut at the end of the job already. */
  readonly saved: ReadonlySet<string>;
}

/**
 * Takes snapshots of the machines that run, if they are wanted, and notes where their files lie;
 * null if there are none. Ctrl-C: nothing is noted, and all of it is to be done again.
 */
export async function cutVms(
  seen: readonly SeenVm[],
  { kind, name, saved }: CutWish,
  ports: JobPorts,
): Promise<PendingCut | null> {
  const placed = seen
    .filter(({ found }) => found.state === 'running' || found.state === 'paused')
    .filter(({ found }) => !saved.has(found.name))
    .map(({ found, host }): PlacedVm => ({ vm: found.name, host }));
  if (kind === 'none' || placed.length === 0) return null;
  const { signal } = ports;
  const results = await cut(placed, { memory: kind === 'memory', full: false, name, signal });
  if (signal.aborted) return null;
  for (const it of results) {
    if (it.state === 'failed') ports.say(`${it.vm}: no snapshot: ${it.failure.message}`);
  }
  const taken = results.filter((it) => it.state === 'taken');
  if (taken.length === 0) return null;
  const pending = { cut: name, ...cutFiles(taken) };
  const vms = taken.map(recordedCut);
  ports.record({ type: 'cut', ...pending, kind, vms, at: ports.now() });
  return pending;
}

type Taken = Extract<CutVm, { state: 'taken' }>;

/** What the journal says of a machine in a cut. */
function recordedCut({ vm, node, pausedMs, frozen, disks }: Taken) {
  const copiedBytes = disks.reduce((sum, disk) => sum + disk.copiedBytes, 0);
  return { vm, node, pausedMs, frozen, copiedBytes };
}

/** Where the files of a cut lie: its nodes, and globs for all of them. */
export function cutFiles(taken: readonly Taken[]): { nodes: string[]; patterns: string[] } {
  const paths = taken.flatMap(({ files, node }) => files.map(({ path }) => onAnyNode(path, node)));
  return {
    nodes: [...new Set(taken.map(({ node }) => node))],
    patterns: [...new Set(paths.map((path) => path.replace(/[^/]*$/, '*')))],
  };
}

/** A pattern for what is in the same place on other nodes; hosts keep apart what is of which node. */
export function onAnyNode(path: string, node: string): string {
  return path.replaceAll(`/${node}/`, '/{node}/');
}
