import { toFailure } from '../../base/error.ts';
import type { Host } from '../hosts/hosts.ts';
import type { JobEnding } from '../job-spec.ts';
import { cutVms, onAnyNode } from './cut-vms.ts';
import { giveBackNodes, type GiveBack } from './give-back-nodes.ts';
import { keepLogs } from './keep-logs.ts';
import type { KnownJob, LeftBehind } from './known.ts';
import type { Collected, Collection, JobPorts, PendingCut } from './ports.ts';
import { shutDownVms } from './shut-down-vms.ts';
import { surveyMachines, type SeenVm } from './survey.ts';
import type { Placement } from './want-vm.ts';

export interface EndOptions {
  readonly job: string;
  readonly ending: JobEnding;
  readonly known: KnownJob;
  readonly shutdownLimitMs: number;
  readonly hosts: readonly Host[];
  /** Nodes that something of the job may be on. */
  readonly touched: ReadonlySet<string>;
  /** Machines whose archive of outputs is not noted to be here, where they ended. */
  readonly withOutputs: readonly Placement[];
  readonly ports: JobPorts;
}

/** What is done with the machines that were found. */
interface Ending extends EndOptions {
  readonly seen: readonly SeenVm[];
  readonly silent: LeftBehind;
  readonly giveBack: GiveBack;
}

/**
 * Ends a job: snapshots if they are wanted, shutdown, outputs and snapshots gathered; each node is
 * cleaned and given back as soon as nothing more is needed from it. Nothing is removed from a node
 * of which something is not safe here. Can be done again, and after Ctrl-C it has to be. Resolves
 * with what stays behind.
 */
export async function endVms(options: EndOptions): Promise<LeftBehind> {
  const { job, ending, known, hosts, ports } = options;
  const { vms, silent } = await surveyMachines(job, hosts, ports.signal);
  const seen = [...vms.values()];
  const name = `${job}-cut${known.cuts.length + 1}`;
  const cuts = [...known.cuts, name];
  const giveBack = giveBackNodes({ ...options, silent, keep: ending.keep, cuts });
  const wish = { kind: ending.snapshot, name, saved: known.saved };
  const pendingCut = known.cut ?? (await cutVms(seen, wish, ports));
  if (ports.signal.aborted) return giveBack.left;
  if (!ending.keep) await shutDownVms(seen, options.shutdownLimitMs, ports);
  await keepLogs(seen, ports);
  if (ports.signal.aborted) return giveBack.left;
  const work: Ending = { ...options, seen, silent, giveBack };
  const withFiles = new Set([...(pendingCut?.nodes ?? []), ...outputsOf(work).map(nodeOf)]);
  const isFree = ({ node }: Host): boolean => !withFiles.has(node);
  await Promise.all(hosts.filter(isFree).map(({ node }) => giveBack.release(node)));
  await gatherOutputs(work, new Set(pendingCut?.nodes));
  if (pendingCut !== null && !ports.signal.aborted) await gatherCut(work, pendingCut);
  if (ports.signal.aborted) return giveBack.left;
  // Whatever the gathers made of a node: all of it that is wanted is safe here, or it is withheld.
  await Promise.all(hosts.map(({ node }) => giveBack.release(node)));
  return giveBack.left;
}

/** Archives that are to be here: not those on nodes of which nobody knows what is there. */
function outputsOf(work: Ending): readonly Placement[] {
  const { withOutputs, known } = work;
  return withOutputs.filter(({ node }) => isThere(work, node) || known.released.has(node));
}

function isThere({ hosts, silent }: Ending, node: string): boolean {
  return !silent.has(node) && hosts.some((host) => host.node === node);
}

async function gatherOutputs(work: Ending, inCut: ReadonlySet<string>): Promise<void> {
  const { ports, giveBack } = work;
  const vms = outputsOf(work);
  if (vms.length === 0) return;
  const collected = await collect(work, {
    kind: 'outputs',
    vms,
    nodes: [...new Set(vms.map(nodeOf))],
    patterns: outputPatterns(work),
    // Of a node with a snapshot something is still needed.
    onEmptied: async (node) => (inCut.has(node) ? undefined : giveBack.release(node)),
  });
  if (ports.signal.aborted) return;
  withhold(work, collected, 'outputs');
  for (const { vm, node } of vms) {
    if (collected.missing.includes(node)) continue;
    ports.record({ type: 'outputs', vm, directory: `${collected.place}/${vm}` });
  }
}

async function gatherCut(work: Ending, { cut, nodes, patterns }: PendingCut): Promise<void> {
  const { ports, known } = work;
  const collected = await collect(work, {
    kind: 'snapshot',
    cut,
    mayBeHere: known.cuts.includes(cut),
    nodes,
    patterns,
    onEmptied: work.giveBack.release,
  });
  if (ports.signal.aborted) return;
  withhold(work, collected, 'snapshots');
  if (collected.missing.length > 0) return;
  ports.record({ type: 'snapshot', cut, run: collected.place, at: ports.now() });
}

async function collect({ ports }: Ending, wanted: Collection): Promise<Collected> {
  try {
    return await ports.collect(wanted);
  } catch (error) {
    ports.say(toFailure(error).message);
    return { place: '', missing: wanted.nodes };
  }
}

function withhold(work: Ending, { missing }: Collected, what: string): void {
  const { seen, giveBack, ports, known } = work;
  const inUse = new Set(seen.map(({ host }) => host.node));
  for (const node of missing) {
    if (inUse.has(node)) giveBack.withhold(node, what);
    else if (known.released.has(node) || isThere(work, node))
      ports.say(`${node}: ${what} of the job are not on it any more, and did not come here`);
  }
}

/** Globs for the archives of outputs of the job's machines, on whatever node they are. */
function outputPatterns({ job, seen, withOutputs }: Ending): string[] {
  const wanted = new Set(withOutputs.map(({ vm }) => vm));
  const patterns = seen.flatMap(({ found: { name, outputsPath }, host: { node } }) =>
    outputsPath === null || !wanted.has(name)
      ? []
      : [onAnyNode(outputsPath.replaceAll(name, `${job}.*`), node)],
  );
  return [...new Set(patterns)];
}

function nodeOf({ node }: { readonly node: string }): string {
  return node;
}
