import { toFailure, type Failure } from '../../base/error.ts';
import type { ResultOf } from '../../control/calls.ts';
import type { HostCalls } from '../../control/host-calls.ts';
import type { Host } from '../hosts/hosts.ts';

/** A machine, and where it runs. */
export interface PlacedVm {
  readonly vm: string;
  readonly host: Host;
}

export interface CutOptions {
  /** With memory the machines are paused; without, guests are frozen where an agent answers. */
  readonly memory: boolean;
  /** Copy everything, even where it is known what has changed. */
  readonly full: boolean;
  /** Names the cut on hosts; no other one has this name. */
  readonly name: string;
  readonly signal: AbortSignal;
}

/** How the snapshot of one machine went. */
export type CutVm =
  | ({
      readonly state: 'taken';
      readonly vm: string;
      readonly node: string;
      /** Whether the guest had flushed its file systems; with memory it need not. */
      readonly frozen: boolean;
      readonly pausedMs: number;
    } & ResultOf<HostCalls, 'finish-snapshot'>)
  | {
      readonly state: 'failed';
      readonly vm: string;
      readonly node: string;
      readonly failure: Failure;
    };

/** How long a guest's agent may take to flush and answer. */
const FREEZE_LIMIT_MS = 5000;
/** A guest that nobody thaws goes on by itself after that. */
const HOLD_MS = 20_000;
/** Calls may wait for a host that is busy, beyond what they wait for in the guest. */
const ANSWER_MS = 15_000;
/** A machine with memory stands still until it is saved; without, only until the point is fixed. */
const MEMORY_LIMIT_MS = 10 * 60_000;
const POINT_LIMIT_MS = 30_000;
/** For all data to be copied on the node. */
const COPY_LIMIT_MS = 60 * 60_000;

/**
 * Takes snapshots of machines at one cut: every guest stands still before the first one goes on. A
 * machine that fails does not stop the others, and every machine goes on, whatever happens. Never
 * rejects.
 */
export async function cut(
  vms: readonly PlacedVm[],
  options: CutOptions,
): Promise<readonly CutVm[]> {
  const { memory, full, name, signal } = options;
  const failures = new Map<string, Failure>();
  const frozen = new Set<string>();

  async function each(work: (vm: PlacedVm) => Promise<void>): Promise<void> {
    await Promise.all(
      vms.map(async (placed) => {
        if (failures.has(placed.vm)) return;
        try {
          await work(placed);
        } catch (error) {
          failures.set(placed.vm, toFailure(error));
        }
      }),
    );
  }

  if (!memory) {
    await each(async ({ vm, host }) => {
      const terms = { limitMs: POINT_LIMIT_MS, signal };
      await host.caller.call('prepare-snapshot', { vm, full }, terms);
    });
    await each(async ({ vm, host }) => {
      const request = { vm, limitMs: FREEZE_LIMIT_MS, holdMs: HOLD_MS };
      const terms = { limitMs: FREEZE_LIMIT_MS + ANSWER_MS, signal };
      if ((await host.caller.call('freeze', request, terms)).frozen) frozen.add(vm);
    });
  }
  await each(async ({ vm, host }) => {
    const terms = { limitMs: memory ? MEMORY_LIMIT_MS : POINT_LIMIT_MS, signal };
    await host.caller.call('snapshot', { vm, memory, full }, terms);
  });
  const pauses = await thawAll(vms, failures);
  const taken: CutVm[] = [];
  await each(async ({ vm, host }) => {
    const terms = { limitMs: COPY_LIMIT_MS, signal };
    const figures = await host.caller.call('finish-snapshot', { vm, cut: name }, terms);
    const pausedMs = pauses.get(vm) ?? 0;
    const { node } = host;
    taken.push({ state: 'taken', vm, node, frozen: frozen.has(vm), pausedMs, ...figures });
  });
  return vms.map(({ vm, host }): CutVm => {
    const failure = failures.get(vm);
    const done = taken.find((it) => it.vm === vm);
    if (failure === undefined && done !== undefined) return done;
    const unknown: Failure = { code: 'internal', message: `The snapshot of ${vm} has no result` };
    return { state: 'failed', vm, node: host.node, failure: failure ?? unknown };
  });
}

/** Also machines of which the snapshot failed go on; how long each stood still, ms. */
async function thawAll(
  vms: readonly PlacedVm[],
  failures: Map<string, Failure>,
): Promise<ReadonlyMap<string, number>> {
  const pauses = new Map<string, number>();
  await Promise.all(
    vms.map(async ({ vm, host }) => {
      try {
        // Not to be stopped by Ctrl-C: nobody wants a guest that stands still.
        const terms = { limitMs: ANSWER_MS };
        const { pausedMs } = await host.caller.call('thaw', { vm }, terms);
        pauses.set(vm, pausedMs);
      } catch (error) {
        if (!failures.has(vm)) failures.set(vm, toFailure(error));
      }
    }),
  );
  return pauses;
}
