import type { Clock } from '../../base/clock.ts';
import type { Failure } from '../../base/error.ts';
import type { Host } from '../hosts/hosts.ts';
import { judgeVm, type VmProgress } from '../life/judge-vm.ts';
import type { JobOutcome } from '../record/job-record.ts';
import type { JobSpec } from '../job-spec.ts';
import { surveyMachines, type SeenVm, type Survey } from './survey.ts';

export interface WatchOptions {
  readonly job: string;
  readonly spec: Pick<JobSpec, 'bootLimitMs' | 'timeLimitMs'>;
  /** Machines whose end is waited for, and the nodes that they were last known on. */
  readonly vms: ReadonlyMap<string, string>;
  /** By node; an agent that was lost and is back is put in here. */
  readonly hosts: Map<string, Host>;
  /** Nodes that could not be reached to begin with, and why. */
  readonly absent: ReadonlyMap<string, Failure>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  isCancelled(): boolean;
  reconnect(node: string, signal: AbortSignal): Promise<Host>;
  /** The command of a machine was seen to run, for the first time. */
  onRunning(vm: string, node: string): void;
  /** A machine was found on another node than before, and goes on there. */
  onMoved(vm: string, from: string, to: string): void;
  /** `node` is where the machine was last seen. */
  onEnded(vm: string, end: VmEnd): void;
}

interface VmEnd {
  readonly node: string;
  readonly outcome: JobOutcome;
  /** Of the archive of outputs; null if there is none. */
  readonly outputBytes: number | null;
}

/** How often hosts are asked. */
const POLL_MS = 1000;
/** A host that does not answer is tried anew so often, and its machines are given up after that. */
const RECONNECT_MS = 5000;
const LOST_AFTER_MS = 120_000;
/** Looks in which every host answers and none has the machine: one may come between two hosts. */
const MISSING_LOOKS = 5;

/** Waits until all machines have ended, or somebody wants something else. */
export async function watchJob(
  options: WatchOptions,
): Promise<'ended' | 'cancelled' | 'interrupted'> {
  const { job, hosts, clock, signal } = options;
  const pending = new Map(options.vms);
  const absences = watchAbsences(options);
  /** Since when machines run that do, and were seen to stand still before. */
  const runningMs = new Map<string, number>();
  const startMs = clock.nowMs();
  const commandMs = new Map<string, number>();
  const missing = new Map<string, number>();

  function end(vm: string, vmEnd: VmEnd): void {
    pending.delete(vm);
    options.onEnded(vm, vmEnd);
  }

  function judge(vm: string, { found, host }: SeenVm): void {
    const { node } = host;
    const before = pending.get(vm) ?? node;
    if (before !== node && found.state === 'running') options.onMoved(vm, before, node);
    if (before === node || found.state === 'running') pending.set(vm, node);
    missing.delete(vm);
    const nowMs = clock.nowMs();
    if (found.state !== 'running') runningMs.set(vm, nowMs);
    const progress = judgeVm(found, {
      ...options.spec,
      sinceStartMs: nowMs - (runningMs.get(vm) ?? startMs),
      sinceCommandMs: nowMs - (commandMs.get(vm) ?? nowMs),
    });
    if (isRunning(progress) && !commandMs.has(vm)) {
      commandMs.set(vm, nowMs);
      options.onRunning(vm, node);
    }
    if (progress.phase === 'ended') end(vm, { ...progress, node });
  }

  function judgeUnseen(vm: string, node: string, { silent }: Survey): void {
    const lost = (detail: string): void =>
      end(vm, { node, outcome: { kind: 'failed', reason: 'lost', detail }, outputBytes: null });
    const failure = silent.get(node);
    if (failure !== undefined) {
      if (absences.lastedMs(node) > LOST_AFTER_MS) lost(failure.message);
      return;
    }
    // It may be on its way to a host that does not answer.
    if (silent.size > 0) return;
    const looks = (missing.get(vm) ?? 0) + 1;
    missing.set(vm, looks);
    if (looks >= MISSING_LOOKS) lost(`no node of the job knows of ${vm} any more`);
  }

  for (;;) {
    if (signal.aborted) return 'interrupted';
    if (options.isCancelled()) return 'cancelled';
    const asked = await surveyMachines(job, [...hosts.values()], signal);
    if (signal.aborted) return 'interrupted';
    const survey = { ...asked, silent: new Map([...absences.absent(), ...asked.silent]) };
    await absences.note(survey);
    for (const [vm, node] of pending) {
      const seen = survey.vms.get(vm);
      if (seen === undefined) judgeUnseen(vm, node, survey);
      else judge(vm, seen);
    }
    if (pending.size === 0) return 'ended';
    await clock.sleep(POLL_MS, signal);
  }
}

function isRunning({ phase }: VmProgress): boolean {
  return phase !== 'booting';
}

/** Hosts that do not answer: since when, and tries to have them back. */
function watchAbsences({ hosts, clock, signal, absent, reconnect }: WatchOptions) {
  const since = new Map<string, number>();
  const triedMs = new Map<string, number>();

  async function tryAgain(node: string): Promise<void> {
    const nowMs = clock.nowMs();
    if (nowMs - (triedMs.get(node) ?? Number.NEGATIVE_INFINITY) < RECONNECT_MS) return;
    triedMs.set(node, nowMs);
    try {
      hosts.set(node, await reconnect(node, signal));
    } catch {
      // It is tried again, until its machines are given up.
    }
  }

  return {
    /** Nodes that were never reached so far. */
    absent: () => [...absent].filter(([node]) => !hosts.has(node)),
    /** How long a host has not answered; 0 for one that does. */
    lastedMs: (node: string): number => clock.nowMs() - (since.get(node) ?? clock.nowMs()),
    async note({ silent }: Survey): Promise<void> {
      for (const node of since.keys()) if (!silent.has(node)) since.delete(node);
      await Promise.all(
        [...silent.keys()].map(async (node) => {
          if (!since.has(node)) since.set(node, clock.nowMs());
          await tryAgain(node);
        }),
      );
    },
  };
}
