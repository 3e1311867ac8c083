import { toFailure, type Failure } from '../../base/error.ts';
import { cut, type CutVm, type PlacedVm } from '../life/cut.ts';
import type { JobEnding } from '../job-spec.ts';
import type { Host } from '../hosts/hosts.ts';
import type { Collected, JobPorts } from './ports.ts';
import { surveyJob, type SeenVm } from './survey.ts';

export interface EndOptions {
  readonly job: string;
  readonly ending: JobEnding;
  readonly shutdownLimitMs: number;
  readonly hosts: readonly Host[];
  /** Machines with an archive of outputs. */
  readonly withOutputs: ReadonlySet<string>;
  readonly ports: JobPorts;
  onShutDown(vm: string, how: 'clean' | 'forced'): void;
  onSnapshot(vms: readonly CutVm[], place: string | null): void;
  onOutputs(place: Collected): void;
  onReleased(node: string): void;
}

/** What stays behind of a job that has ended, and why; empty if nothing does. */
export type LeftBehind = ReadonlyMap<string, Failure>;

/** A host may have to wait for a guest, and then some. */
const ANSWER_MS = 30_000;
const CLEAN_LIMIT_MS = 120_000;

/**
 * Ends a job: snapshots if they are wanted, shutdown, outputs and snapshots gathered; each node is
 * cleaned and given back as soon as nothing more is needed from it. Nothing is removed from a node
 * of which something is not safe here. Can be done again. Resolves with what stays behind.
 */
export async function endVms(options: EndOptions): Promise<LeftBehind> {
  const { job, ending, hosts, ports, withOutputs } = options;
  const left = new Map<string, Failure>();
  const done = new Set<string>();
  const { vms, silent } = await surveyJob(job, hosts, ports.signal);
  for (const [node, failure] of silent) left.set(node, failure);
  const seen = [...vms.values()];

  async function giveBack(host: Host): Promise<void> {
    if (ending.keep || left.has(host.node) || done.has(host.node)) return;
    const failure = await cleaned(job, host);
    if (failure !== undefined) left.set(host.node, failure);
    else {
      done.add(host.node);
      options.onReleased(host.node);
    }
  }

  const paths = await snapshotPaths(seen, options);
  if (!ending.keep) await shutDownAll(seen, options);
  const outputs = seen.filter(({ found }) => withOutputs.has(found.name));
  const needed = new Set([...paths.nodes, ...outputs.map(({ host }) => host.node)]);
  await Promise.all(
    hosts.filter(({ node }) => !needed.has(node)).map((host) => giveBack(host)),
  );
  const byNode = new Map(hosts.map((host) => [host.node, host]));
  const release = async (node: string): Promise<Failure | undefined> => {
    const host = byNode.get(node);
    if (host !== undefined) await giveBack(host);
    return left.get(node);
  };
  if (outputs.length > 0) {
    const nodes = nodesOf(outputs);
    const collected = await ports.collect({
      kind: 'outputs',
      nodes,
      patterns: outputPatterns(job, outputs),
      // Of a node with a snapshot something is still needed.
      onEmptied: async (node) => (paths.nodes.has(node) ? undefined : release(node)),
    });
    noteMissing(collected, left, 'outputs');
    options.onOutputs(collected);
  }
  if (paths.nodes.size > 0) {
    const collected = await ports.collect({
      kind: 'snapshot',
      nodes: [...paths.nodes],
      patterns: paths.patterns,
      onEmptied: release,
    });
    noteMissing(collected, left, 'snapshots');
    options.onSnapshot(paths.cut, collected.place);
  }
  return left;
}

/** Takes snapshots if they are wanted; where their files lie. */
async function snapshotPaths(seen: readonly SeenVm[], options: EndOptions) {
  const { ending, ports } = options;
  const placed = seen
    .filter(({ found }) => found.state === 'running' || found.state === 'paused')
    .map(({ found, host }): PlacedVm => ({ vm: found.name, host }));
  if (ending.snapshot === 'none' || placed.length === 0) {
    return { nodes: new Set<string>(), patterns: [], cut: [] };
  }
  const memory = ending.snapshot === 'memory';
  const name = ports.cutName();
  const results = await cut(placed, { memory, full: false, name, signal: ports.signal });
  return { ...cutFiles(results), cut: results };
}

/** Where the files of a cut lie: its nodes, and globs for all of them. */
export function cutFiles(results: readonly CutVm[]): {
  readonly nodes: ReadonlySet<string>;
  readonly patterns: readonly string[];
} {
  const taken = results.filter((it) => it.state === 'taken');
  const paths = taken.flatMap(({ files }) => files.map(({ path }) => path));
  return { nodes: new Set(taken.map(({ node }) => node)), patterns: patternsOf(paths) };
}

/** Globs for the archives of outputs of the job's machines, on whatever node they are. */
function outputPatterns(job: string, vms: readonly SeenVm[]): string[] {
  const patterns = vms.flatMap(({ found: { name, outputsPath } }) =>
    outputsPath === null ? [] : [outputsPath.replaceAll(name, `${job}.*`)],
  );
  return [...new Set(patterns)];
}

/** Everything in the directories that the files lie in. */
function patternsOf(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => path.replace(/[^/]*$/, '*')))];
}

function nodesOf(vms: readonly SeenVm[]): string[] {
  return [...new Set(vms.map(({ host }) => host.node))];
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
        options.onShutDown(vm, how);
      } catch (error) {
        // It is ended by force when its node is cleaned.
        options.ports.say(`${vm}: cannot be shut down: ${toFailure(error).message}`);
      }
    }),
  );
}

async function cleaned(job: string, { caller }: Host): Promise<Failure | undefined> {
  try {
    await caller.call('clean', { job }, { limitMs: CLEAN_LIMIT_MS });
    return undefined;
  } catch (error) {
    return toFailure(error);
  }
}

function noteMissing(
  { missing }: Collected,
  left: Map<string, Failure>,
  what: string,
): void {
  for (const node of missing) {
    const message = `${what} on ${node} could not be gathered, and stay there`;
    if (!left.has(node)) left.set(node, { code: 'source-unreadable', message });
  }
}
