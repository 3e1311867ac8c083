import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { KgetError, type Failure } from '../../../src/base/error.ts';
import { startHost, startHosts, type Host } from '../../../src/job/hosts/hosts.ts';
import type { JobSpec } from '../../../src/job/job-spec.ts';
import { foldJob } from '../../../src/job/record/fold-job.ts';
import type { JobRecord } from '../../../src/job/record/job-record.ts';
import type { JobState } from '../../../src/job/record/job-state.ts';
import { knownJob, partsOf } from '../../../src/job/record/known-job.ts';
import type { JobEnd } from '../../../src/job/run/known.ts';
import type { Collected, Collection, JobPorts } from '../../../src/job/run/ports.ts';
import { runJob } from '../../../src/job/run/run-job.ts';
import { MEBIBYTE } from '../../host/fixture.ts';
import { JOB, submitted } from '../record/sample.ts';
import type { Cluster } from './cluster.ts';

export { JOB };

/** What outlives the commands that drive a job: its journal, and what was brought to this host. */
export interface Frontend {
  readonly records: JobRecord[];
  /** By machine, and how often they came. */
  readonly outputs: Map<string, number>;
  /** Run by `NODE/FILE`. */
  readonly snapshots: Map<string, string>;
  readonly logs: Map<string, string>;
  /** Release commands that succeeded, by node. */
  readonly givenBack: Map<string, number>;
  readonly said: string[];
  isCancelled: boolean;
  state(): JobState;
}

export function newFrontend(
  { image }: Cluster,
  spec: Partial<JobSpec> = {},
  job: string = JOB,
): Frontend {
  const base = submitted({
    nodes: ['kn01', 'kn02', 'kn03'],
    vmsPerNode: 1,
    outputRoomBytes: MEBIBYTE,
    timeLimitMs: null,
    onFailure: { snapshot: 'none', keep: false },
    ...spec,
  });
  const parts = [{ role: 'disk' as const, name: 'disk.raw', ...image }];
  const first = { ...base, job, image: { ...base.image, format: 'raw' as const, parts } };
  const records: JobRecord[] = [first];
  return {
    records,
    outputs: new Map(),
    snapshots: new Map(),
    logs: new Map(),
    givenBack: new Map(),
    said: [],
    isCancelled: false,
    state: () => foldJob(records) ?? assert.fail('no job'),
  };
}

/**
 * What a command that drives a job does, step by step: `connect`, `deploy`, `call NAME NODE` before a
 * host is called and `did NAME NODE` after, `to record TYPE` before something is noted and `record
 * TYPE` after, `collect KIND NODE`, `hook NODE`.
 */
export interface DriveOptions {
  /** Called at each step; calls of `look` and `log` are none, but for `call look`. */
  onStep?(step: string, drive: Drive): void;
  readonly memoryLimitBytes?: number;
}

/** A command that drives a job. */
export interface Drive {
  /** It is killed: nothing that it does has an effect any more. */
  crash(): void;
  interrupt(): void;
}

const QUIET = new Set(['look', 'log', 'present']);

/** Has a command drive a job from wherever its journal says it is; null if that was killed. */
export async function drive(
  cluster: Cluster,
  frontend: Frontend,
  options: DriveOptions = {},
): Promise<JobEnd | null> {
  const stop = new AbortController();
  const callers: Host['caller'][] = [];
  let isDead = false;
  const it: Drive = {
    crash() {
      isDead = true;
      stop.abort();
      for (const caller of callers) caller.close();
    },
    interrupt: () => stop.abort(),
  };

  function step(text: string): void {
    if (isDead) throw new KgetError('internal', 'this command was killed');
    options.onStep?.(text, it);
    // What it has just done is done, but it does not get to know.
    if (isDead) throw new KgetError('internal', 'this command was killed');
  }

  function tapped(host: Host): Host {
    const { node, caller } = host;
    callers.push(caller);
    const call: typeof caller.call = async (name, request, terms) => {
      if (name === 'look' || !QUIET.has(name)) step(`call ${name} ${node}`);
      const result = await caller.call(name, request, terms);
      if (!QUIET.has(name)) step(`did ${name} ${node}`);
      return result;
    };
    return { ...host, caller: { call, ended: caller.ended, close: () => caller.close() } };
  }

  const ports = portsOf(cluster, frontend, { options, signal: stop.signal, step, tapped });
  const state = frontend.state();
  try {
    const end = await runJob(partsOf(state), knownJob(state), ports);
    return isDead ? null : end;
  } catch (error) {
    if (isDead) return null;
    throw error;
  }
}

interface Inside {
  readonly options: DriveOptions;
  readonly signal: AbortSignal;
  step(text: string): void;
  tapped(host: Host): Host;
}

/** How host agents are started on a cluster. */
export function hostOptions(
  { launcher, clock }: Cluster,
  { said }: Frontend,
  memoryLimitBytes: number | null = null,
) {
  const terms = { chunkSizeBytes: 131_072, directory: null, hypervisor: 'qemu' as const };
  return {
    launcher,
    clock,
    identify: async () => ({ certificate: 'c', key: 'k', authority: 'a' }),
    terms: { ...terms, memoryLimitBytes },
    onNotice: (node: string, text: string) => void said.push(`${node}: ${text}`),
  };
}

function portsOf(cluster: Cluster, frontend: Frontend, inside: Inside): JobPorts {
  const { step, signal, tapped } = inside;
  const { clock } = cluster;
  const startOptions = (starting: AbortSignal) => ({
    ...hostOptions(cluster, frontend, inside.options.memoryLimitBytes),
    signal: starting,
  });
  return {
    clock,
    booting: 2,
    signal,
    isCancelled: () => frontend.isCancelled,
    async connect(nodes, starting) {
      step('connect');
      const hosts = await startHosts(nodes, startOptions(starting));
      const all = new Map([...hosts.all].map(([node, host]) => [node, tapped(host)]));
      step('connected');
      return { ...hosts, all };
    },
    reconnect: async (node, starting) => tapped(await startHost(node, startOptions(starting))),
    async deploy(_files, hosts, deploying, onArrived) {
      step('deploy');
      await clock.sleep(2000, deploying);
      const failures = new Map<string, Failure>();
      for (const { node } of hosts) {
        if (deploying.aborted || cluster.isDead(node)) {
          failures.set(node, { code: 'disconnected', message: `Lost ${node} in a deployment` });
        } else {
          cluster.bringImage(node);
          onArrived?.(node);
        }
      }
      step('deployed');
      return failures;
    },
    serveDisk: async () => assert.fail('no machine boots from the store'),
    collect: (wanted) => collect(cluster, frontend, { wanted, signal, step }),
    keepLog(vm, source, text) {
      frontend.logs.set(`${vm} ${source}`, text);
    },
    async release(node) {
      frontend.givenBack.set(node, (frontend.givenBack.get(node) ?? 0) + 1);
      step(`hook ${node}`);
      return undefined;
    },
    record(record) {
      step(`to record ${record.type}`);
      frontend.records.push(record);
      step(`record ${record.type}`);
    },
    say: (text) => void frontend.said.push(text),
    now: () => new Date(Date.UTC(2026, 0, 1) + clock.nowMs()).toISOString(),
  };
}

interface Gather extends Pick<Inside, 'signal' | 'step'> {
  readonly wanted: Collection;
}

/** As a gather does it: what an earlier one has brought here is not asked for again. */
async function collect(
  { clock, node, isDead }: Cluster,
  { outputs, snapshots }: Frontend,
  { wanted, signal, step }: Gather,
): Promise<Collected> {
  const { kind, nodes, patterns, onEmptied } = wanted;
  const run = `run-${kind === 'snapshot' ? wanted.cut : 'outputs'}`;
  const partOf = (name: string, file: string): boolean =>
    kind === 'snapshot' ? snapshots.has(`${name}/${file}`) : outputs.has(file);
  const missing: string[] = [];
  for (const name of nodes) {
    const isHere =
      kind === 'outputs'
        ? wanted.vms.every((it) => it.node !== name || outputs.has(it.vm))
        : [...snapshots.keys()].some(
            (file) => file.startsWith(`${name}/`) && file.endsWith('json'),
          );
    await clock.sleep(500, signal);
    const isBound = !isHere && (isDead(name) || signal.aborted);
    const files = isBound ? [] : found(patterns, name, node(name).directory);
    if (!isHere && files.length === 0) missing.push(name);
    if (isBound || (!isHere && files.length === 0)) continue;
    for (const file of files) {
      const short = kind === 'outputs' ? basename(file, '-outputs.tar') : basename(file);
      if (partOf(name, short)) continue;
      if (kind === 'outputs') outputs.set(short, (outputs.get(short) ?? 0) + 1);
      else snapshots.set(`${name}/${short}`, run);
    }
    step(`collect ${kind} ${name}`);
    if (files.length > 0) await onEmptied(name);
  }
  step(`collected ${kind}`);
  return { place: kind === 'outputs' ? '/outputs' : run, missing };
}

function found(patterns: readonly string[], name: string, directory: string): string[] {
  const own = patterns.map((pattern) => pattern.replaceAll('{node}', name));
  return own.flatMap((pattern) => globSync(pattern)).filter((path) => path.startsWith(directory));
}
