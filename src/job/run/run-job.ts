import type { Failure } from '../../base/error.ts';
import type { Host, Hosts } from '../hosts/hosts.ts';
import { hasSucceeded, outcomeText } from '../life/judge-vm.ts';
import type { JobEnding } from '../job-spec.ts';
import type { JobOutcome } from '../record/job-record.ts';
import { endVms, type LeftBehind } from './end-vms.ts';
import type { JobPorts, PendingCut } from './ports.ts';
import { startVms } from './start-vms.ts';
import { filesOf, type JobParts, type Placement } from './want-vm.ts';
import { watchJob } from './watch-job.ts';

/** What is known of a job that is taken up: of a new one, only where its machines are to be. */
export interface KnownJob {
  readonly placements: readonly Placement[];
  readonly ended: ReadonlyMap<string, EndedVm>;
  /** Nodes that nothing of the job is on any more. */
  readonly released: ReadonlySet<string>;
  readonly isCancelled: boolean;
  /** It has ended so before, and machines were kept that are to go now; null if it has not. */
  readonly result: 'succeeded' | 'failed' | 'cancelled' | null;
  /** A cut whose files are still on the nodes. */
  readonly cut: PendingCut | null;
  /** Machines that have run: where these are not found, they are lost. */
  readonly started: ReadonlySet<string>;
}

export interface EndedVm {
  readonly outcome: JobOutcome;
  readonly outputBytes: number | null;
}

/** `interrupted`: it goes on in its machines. `held-up`: something could not be brought to its end. */
export type JobEnd =
  | { readonly state: 'succeeded' | 'failed' | 'cancelled'; readonly kept: boolean }
  | { readonly state: 'interrupted' }
  | { readonly state: 'held-up'; readonly left: LeftBehind };

/** After a cancelled job nothing stays. */
const CANCELLED: JobEnding = { snapshot: 'none', keep: false };

/**
 * Runs a job to its end, from wherever it is: deploys what its machines need, starts them, waits for
 * them, and ends them as the job wants it. Each step finds what was done before, so it can be taken
 * up again after a crash of this command at any point.
 */
export async function runJob(parts: JobParts, known: KnownJob, ports: JobPorts): Promise<JobEnd> {
  const { spec } = parts;
  const ended = new Map(known.ended);
  const nodes = spec.nodes.filter((node) => !known.released.has(node));
  await using hosts = await ports.connect(nodes, ports.signal);
  const reached = new Map(hosts.all);
  for (const [node, failure] of hosts.failures) ports.say(`${node}: ${failure.message}`);

  function end(vm: string, node: string, { outcome, outputBytes }: EndedVm): void {
    if (ended.has(vm)) return;
    ended.set(vm, { outcome, outputBytes });
    ports.record({ type: 'ended', vm, node, outcome, outputBytes, at: ports.now() });
    ports.say(`${vm} on ${node}: ${outcomeText(outcome)}${detailOf(outcome)}`);
  }

  let isCancelled = known.isCancelled;
  if (!isCancelled) {
    const waiting = known.placements.filter(({ vm }) => !ended.has(vm));
    await begin(parts, { waiting, known, hosts, reached, ports, end });
    const vms = new Map(waiting.filter(({ vm }) => !ended.has(vm)).map((it) => [it.vm, it.node]));
    const result = await watchJob({
      ...ports,
      job: parts.job,
      spec,
      vms,
      hosts: reached,
      absent: hosts.failures,
      onRunning(vm, node) {
        if (known.started.has(vm)) return;
        ports.record({ type: 'started', vm, node, at: ports.now() });
        ports.say(`${vm} on ${node}: runs`);
      },
      onMoved(vm, from, to) {
        ports.record({ type: 'moved', vm, from, to, downtimeMs: null, at: ports.now() });
        ports.say(`${vm}: moved from ${from} to ${to}`);
      },
      onEnded: (vm, { node, ...vmEnd }) => end(vm, node, vmEnd),
    });
    if (result === 'interrupted') return { state: 'interrupted' };
    isCancelled = result === 'cancelled';
    if (isCancelled) ports.record({ type: 'cancelled', at: ports.now() });
  }
  const outcomes = [...ended.values()].map(({ outcome }) => outcome);
  const hasWorked = outcomes.every(hasSucceeded);
  const ending = isCancelled ? CANCELLED : hasWorked ? spec.onSuccess : spec.onFailure;
  const left = await finish(parts, { known, ending, ended, reached, hosts, ports });
  if (ports.signal.aborted) return { state: 'interrupted' };
  if (left.size > 0) return { state: 'held-up', left };
  const state = known.result ?? (isCancelled ? 'cancelled' : hasWorked ? 'succeeded' : 'failed');
  ports.record({ type: 'finished', state, kept: ending.keep, at: ports.now() });
  return { state, kept: ending.keep };
}

interface Beginning {
  readonly waiting: readonly Placement[];
  readonly known: KnownJob;
  readonly hosts: Hosts;
  readonly reached: ReadonlyMap<string, Host>;
  readonly ports: JobPorts;
  end(vm: string, node: string, ended: EndedVm): void;
}

/** Deploys, makes and starts what is not there yet. */
async function begin(parts: JobParts, work: Beginning): Promise<void> {
  const { waiting, known, hosts, reached, ports } = work;
  const fresh = waiting.filter(({ vm }) => !known.started.has(vm));
  const nodeOf = new Map(fresh.map(({ vm, node }) => [vm, node]));
  const cannotStart = (vm: string, { message }: Failure): void => {
    const outcome: JobOutcome = { kind: 'failed', reason: 'not-created', detail: message };
    work.end(vm, nodeOf.get(vm) ?? '', { outcome, outputBytes: null });
  };
  for (const { vm, node } of fresh) {
    const failure = hosts.failures.get(node);
    if (failure !== undefined) cannotStart(vm, failure);
  }
  const targets = [...new Set(fresh.map(({ node }) => node))].flatMap(
    (node) => reached.get(node) ?? [],
  );
  if (targets.length === 0) return;
  const failures = await ports.deploy(filesOf(parts), targets, ports.signal);
  if (ports.signal.aborted) return;
  const able = fresh.filter(({ vm, node }) => {
    const failure = failures.get(node);
    if (failure !== undefined) cannotStart(vm, failure);
    return failure === undefined;
  });
  await startVms({
    parts,
    placements: able,
    hostOf: (node) => reached.get(node),
    booting: ports.booting,
    clock: ports.clock,
    signal: ports.signal,
    onCreated: (vm) => ports.record({ type: 'created', vm }),
    onStarted: (vm, node) => ports.say(`${vm} on ${node}: boots`),
    onFailed: cannotStart,
  });
}

interface Finish {
  readonly known: KnownJob;
  readonly ending: JobEnding;
  readonly ended: ReadonlyMap<string, EndedVm>;
  readonly reached: ReadonlyMap<string, Host>;
  readonly hosts: Hosts;
  readonly ports: JobPorts;
}

async function finish(parts: JobParts, work: Finish): Promise<LeftBehind> {
  const { known, ending, ended, reached, hosts, ports } = work;
  const withOutputs = [...ended].filter(([, { outputBytes }]) => outputBytes !== null);
  const left = await endVms({
    job: parts.job,
    ending,
    earlierCut: known.cut,
    shutdownLimitMs: parts.spec.shutdownLimitMs,
    hosts: [...reached.values()],
    withOutputs: new Set(withOutputs.map(([vm]) => vm)),
    ports,
  });
  // Nodes that were never reached have nothing of ours, unless a machine was started there before.
  const startedOn = new Set(
    known.placements.filter(({ vm }) => known.started.has(vm)).map(({ node }) => node),
  );
  const unreached = [...hosts.failures].filter(([node]) => !reached.has(node));
  return new Map([...left, ...unreached.filter(([node]) => startedOn.has(node))]);
}

function detailOf(outcome: JobOutcome): string {
  return outcome.kind === 'failed' && outcome.detail !== '' ? `: ${outcome.detail}` : '';
}
