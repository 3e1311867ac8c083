import { toFailure, type Failure } from '../../base/error.ts';
import { cut, type CutVm, type PlacedVm } from '../life/cut.ts';
import { readLog } from '../life/read-log.ts';
import type { JobEnding } from '../job-spec.ts';
import type { Host } from '../hosts/hosts.ts';
import type { Collected, JobPorts, PendingCut } from './ports.ts';
import { surveyJob, type SeenVm } from './survey.ts';

export interface EndOptions {
  readonly job: string;
  readonly ending: JobEnding;
  /** Snapshots were taken already, and lie on the nodes. */
  readonly earlierCut: PendingCut | null;
  readonly shutdownLimitMs: number;
  readonly hosts: readonly Host[];
  /** Machines with an archive of outputs. */
  readonly withOutputs: ReadonlySet<string>;
  readonly ports: JobPorts;
}

/** Nodes that something of a job stays on that has ended, and why. */
export type LeftBehind = ReadonlyMap<string, Failure>;

/** A host may have to wait for a guest, and then some. */
const ANSWER_MS = 30_000;
const CLEAN_LIMIT_MS = 120_000;
/** Of each log. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;

/**
 * Ends a job: snapshots if they are wanted, shutdown, outputs and snapshots gathered; each node is
 * cleaned and given back as soon as nothing more is needed from it. Nothing is removed from a node
 * of which something is not safe here. Can be done again. Resolves with what stays behind.
 */
export async function endVms(options: EndOptions): Promise<LeftBehind> {
  const { job, ending, hosts, ports, withOutputs } = options;
  const { vms, silent } = await surveyJob(job, hosts, ports.signal);
  const seen = [...vms.values()];
  const pendingCut = options.earlierCut ?? (await cutFor(seen, options));
  if (!ending.keep) await shutDownAll(seen, options);
  await keepLogs(seen, ports);
  const giveBack = returns({ ...options, silent, cut: pendingCut });
  const inCut = new Set(pendingCut?.nodes);
  const outputs = seen.filter(({ found }) => withOutputs.has(found.name));
  const withFiles = new Set([...inCut, ...outputs.map(({ host }) => host.node)]);
  const isFree = ({ node }: Host): boolean => !withFiles.has(node);
  await Promise.all(hosts.filter(isFree).map(({ node }) => giveBack.release(node)));
  if (outputs.length > 0) {
    const collected = await ports.collect({
      kind: 'outputs',
      nodes: nodesOf(outputs),
      patterns: outputPatterns(job, outputs),
      // Of a node with a snapshot something is still needed.
      onEmptied: async (node) => (inCut.has(node) ? undefined : giveBack.release(node)),
    });
    giveBack.withhold(collected, 'outputs');
    noteOutputs(outputs, collected, ports);
  }
  if (pendingCut !== null) {
    const { nodes, patterns, cut: name } = pendingCut;
    const onEmptied = giveBack.release;
    const collected = await ports.collect({ kind: 'snapshot', nodes, patterns, onEmptied });
    giveBack.withhold(collected, 'snapshots');
    if (collected.missing.length === 0) {
      ports.record({ type: 'snapshot', cut: name, run: collected.place, at: ports.now() });
    }
  }
  // Whatever the gathers made of a node: all of it that is wanted is safe here, or it is withheld.
  await Promise.all(hosts.map(({ node }) => giveBack.release(node)));
  return giveBack.left;
}

/** Cleans nodes and gives them back; remembers those for which that cannot be done. */
function returns(
  options: EndOptions & { readonly silent: LeftBehind; readonly cut: PendingCut | null },
) {
  const { job, ending, hosts, ports, cut: pendingCut } = options;
  const left = new Map(options.silent);
  const done = new Set<string>();
  const byNode = new Map(hosts.map((host) => [host.node, host]));

  async function release(node: string): Promise<Failure | undefined> {
    const host = byNode.get(node);
    const isWaiting = host === undefined || left.has(node) || done.has(node);
    if (ending.keep || isWaiting) return left.get(node);
    const failure = await cleaned(host, job, pendingCut);
    if (failure !== undefined) {
      left.set(node, failure);
      return failure;
    }
    done.add(node);
    ports.record({ type: 'released', node, at: ports.now() });
    const hook = await ports.release(node);
    if (hook !== undefined) ports.say(`${node}: ${hook.message}`);
    return hook;
  }

  return {
    left: left as LeftBehind,
    release,
    /** Nodes of which something is not safe here are not touched. */
    withhold({ missing }: Collected, what: string): void {
      for (const node of missing) {
        const message = `${what} on ${node} could not be gathered, and stay there`;
        if (!left.has(node)) left.set(node, { code: 'source-unreadable', message });
      }
    },
  };
}

/** Takes snapshots if they are wanted, and notes where their files lie. */
async function cutFor(
  seen: readonly SeenVm[],
  { ending, ports }: EndOptions,
): Promise<PendingCut | null> {
  const placed = seen
    .filter(({ found }) => found.state === 'running' || found.state === 'paused')
    .map(({ found, host }): PlacedVm => ({ vm: found.name, host }));
  if (ending.snapshot === 'none' || placed.length === 0) return null;
  const kind = ending.snapshot;
  const name = ports.cutName();
  const { signal } = ports;
  const results = await cut(placed, { memory: kind === 'memory', full: false, name, signal });
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

function noteOutputs(outputs: readonly SeenVm[], collected: Collected, ports: JobPorts): void {
  const { place, missing } = collected;
  for (const { found, host } of outputs) {
    if (missing.includes(host.node)) continue;
    ports.record({ type: 'outputs', vm: found.name, directory: `${place}/${found.name}` });
  }
}

/** A pattern for what is in the same place on other nodes; hosts keep apart what is of which node. */
function onAnyNode(path: string, node: string): string {
  return path.replaceAll(`/${node}/`, '/{node}/');
}

/** Globs for the archives of outputs of the job's machines, on whatever node they are. */
function outputPatterns(job: string, vms: readonly SeenVm[]): string[] {
  const patterns = vms.flatMap(({ found: { name, outputsPath }, host: { node } }) =>
    outputsPath === null ? [] : [onAnyNode(outputsPath.replaceAll(name, `${job}.*`), node)],
  );
  return [...new Set(patterns)];
}

function nodesOf(vms: readonly SeenVm[]): string[] {
  return [...new Set(vms.map(({ host }) => host.node))];
}

/** What machines have said is kept here, the beginning of it; a log that cannot be had is told of. */
async function keepLogs(seen: readonly SeenVm[], ports: JobPorts): Promise<void> {
  for (const { found, host } of seen) {
    try {
      for (const source of ['command', 'console'] as const) {
        const whole = { source, offset: 0, maxBytes: MAX_LOG_BYTES };
        ports.keepLog(found.name, source, (await readLog(found.name, host, whole)).text);
      }
    } catch (error) {
      ports.say(`${found.name}: its log is not here: ${toFailure(error).message}`);
    }
  }
}

async function shutDownAll(seen: readonly SeenVm[], options: EndOptions): Promise<void> {
  const { shutdownLimitMs: limitMs } = options;
  await Promise.all(
    seen.map(async ({ found, host }) => {
      const vm = found.name;
      if (found.state === 'stopped' || found.state === 'defined') return;
      try {
        const terms = { limitMs: limitMs + ANSWER_MS };
        const { how } = await host.caller.call('shutdown', { vm, limitMs }, terms);
        options.ports.record({ type: 'shut-down', vm, how });
      } catch (error) {
        // It is ended by force when its node is cleaned.
        options.ports.say(`${vm}: cannot be shut down: ${toFailure(error).message}`);
      }
    }),
  );
}

/** Removes all of the job from a node, with the files of the cut. */
async function cleaned(
  { caller }: Host,
  job: string,
  pendingCut: PendingCut | null,
): Promise<Failure | undefined> {
  const terms = { limitMs: CLEAN_LIMIT_MS };
  try {
    if (pendingCut !== null) await caller.call('drop-cut', { cut: pendingCut.cut }, terms);
    await caller.call('clean', { job }, terms);
    return undefined;
  } catch (error) {
    return toFailure(error);
  }
}
