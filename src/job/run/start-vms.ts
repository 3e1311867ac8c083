import type { Clock } from '../../base/clock.ts';
import { toFailure, type Failure } from '../../base/error.ts';
import type { FoundVm } from '../../control/host-calls.ts';
import { parseGuestEvent } from '../../guest/protocol.ts';
import type { Host } from '../hosts/hosts.ts';
import { wantVm, type JobParts, type Placement } from './want-vm.ts';

export interface StartOptions {
  readonly parts: JobParts;
  /** Machines that are to run, on hosts that have their files. */
  readonly placements: readonly Placement[];
  hostOf(node: string): Host | undefined;
  /** Whether a node whose host agent was lost has another one now. */
  hasAgentAgain(node: string): Promise<boolean>;
  /** Machines that boot at once at most, on all hosts together. */
  readonly booting: number;
  readonly clock: Clock;
  /** Nothing new is begun when it is aborted. */
  readonly signal: AbortSignal;
  /** Ctrl-C: calls under way are given up, too; what they do is found later. */
  readonly interrupt: AbortSignal;
  /**
   * Where a machine reads its disk that is made now: null for the file on its node. Left out if it
   * was never elsewhere. @throws KgetError if it is nowhere to be had
   */
  readonly nbdUrlOf?: (placement: Placement, signal: AbortSignal) => Promise<string | null>;
  /** Its host is told next to make it. */
  onCreating(vm: string, node: string): void;
  onStarted(vm: string, node: string): void;
  /** The machine cannot run; others go on. */
  onFailed(vm: string, failure: Failure): void;
}

/** A host that has many machines to make, on a busy disk. */
const CREATE_LIMIT_MS = 120_000;
const START_LIMIT_MS = 120_000;
const REMOVE_LIMIT_MS = 60_000;
const LOOK_LIMIT_MS = 30_000;
/** Of a machine whose host agent is lost meanwhile. */
const MAX_TRIES = 3;
/** How often a machine that boots is looked at, while others wait for it. */
const BOOT_POLL_MS = 500;

/**
 * Makes machines and starts them, some at once; those that are there already, or run already, are
 * left as they are, so that this can be done again after a crash. Resolves when all are started.
 */
export async function startVms(options: StartOptions): Promise<void> {
  const waiting = [...options.placements];
  const lanes = Array.from({ length: Math.min(options.booting, waiting.length) }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (options.signal.aborted) return;
      const isLast = waiting.length === 0;
      await startOne(next, options, isLast);
    }
  });
  await Promise.all(lanes);
}

async function startOne(
  placement: Placement,
  options: StartOptions,
  isLast: boolean,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const failure = await tryToStart(placement, options, isLast);
    if (failure === undefined) return;
    const isLost = failure.code === 'disconnected' && tries < MAX_TRIES;
    if (isLost && (await options.hasAgentAgain(placement.node))) continue;
    if (!options.signal.aborted) options.onFailed(placement.vm, failure);
    return;
  }
}

async function tryToStart(
  { vm, node }: Placement,
  options: StartOptions,
  isLast: boolean,
): Promise<Failure | undefined> {
  const { parts, signal, interrupt } = options;
  let isStarted = false;
  try {
    const host = options.hostOf(node);
    // Why it is not there was told when its agent could not be started.
    if (host === undefined) return undefined;
    let found = await foundOn(host, vm, options);
    if (found !== undefined && options.nbdUrlOf !== undefined && hasDoneNothing(found)) {
      // It reads its disk from where it was served once, or could not begin for want of it.
      await host.caller.call('remove', { vm }, { limitMs: REMOVE_LIMIT_MS, signal });
      found = undefined;
    }
    if (found === undefined) {
      const terms = { limitMs: CREATE_LIMIT_MS, signal: interrupt };
      const nbdUrl = (await options.nbdUrlOf?.({ vm, node }, signal)) ?? null;
      if (signal.aborted) return undefined;
      options.onCreating(vm, node);
      await host.caller.call('create', wantVm(vm, parts, nbdUrl), terms);
    }
    if (found !== undefined && found.state !== 'defined') return undefined;
    if (signal.aborted) return undefined;
    await host.caller.call('start', { vm }, { limitMs: START_LIMIT_MS, signal: interrupt });
    isStarted = true;
    options.onStarted(vm, node);
    if (!isLast) await booted(host, vm, options);
    return undefined;
  } catch (error) {
    // One that was started may run: what becomes of it is found later.
    return signal.aborted || isStarted ? undefined : toFailure(error);
  }
}

/** Its job runner has not begun, and will not by itself. */
function hasDoneNothing({ state, events }: FoundVm): boolean {
  return state === 'defined' || (state === 'stopped' && events.length === 0);
}

/** Until the job runner runs, or will not. */
async function booted(host: Host, vm: string, options: StartOptions): Promise<void> {
  const { clock, signal, parts } = options;
  const startMs = clock.nowMs();
  while (!signal.aborted && clock.nowMs() - startMs < parts.spec.bootLimitMs) {
    const found = await foundOn(host, vm, options);
    const events = found?.events.flatMap((line) => parseGuestEvent(line) ?? []) ?? [];
    if (found?.state !== 'running' || events.length > 0) return;
    await clock.sleep(BOOT_POLL_MS, signal);
  }
}

async function foundOn(
  host: Host,
  vm: string,
  { parts, signal }: StartOptions,
): Promise<FoundVm | undefined> {
  const terms = { limitMs: LOOK_LIMIT_MS, signal };
  const { vms } = await host.caller.call('look', { job: parts.job }, terms);
  return vms.find(({ name }) => name === vm);
}
