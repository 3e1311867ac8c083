import { existsSync, readdirSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { KgetError } from '../base/error.ts';
import type {
  DiskSnapshotFigures,
  Hypervisor,
  SnapshotUnderWay,
} from '../hypervisor/hypervisor.ts';
import { clearCut, leftCut, markCut } from './cut-mark.ts';
import { machinePaths, type MachinePaths, type NodePlace } from './node-place.ts';
import {
  copyOutputs,
  publishSnapshot,
  withdrawEarlier,
  type SnapshotFile,
} from './published-snapshot.ts';
import { readEvents } from './said.ts';
import type { Turns } from './turns.ts';

/** How long a machine stands still for a cut with memory, at most: others may be large. */
const HOLD_LIMIT_MS = 10 * 60_000;

/** A machine's part in a cut: from `freeze` or `snapshot` to `thaw`. */
interface Cut {
  /** Since when the machine stands still; null if it does not. */
  sinceMs: number | null;
  /** How long it stood still, apart from what `sinceMs` tells. */
  pausedMs: number;
  frozen: boolean;
  /** Its processors are to run again after the cut. */
  goesOn: boolean;
  readonly holdMs: number;
  readonly over: AbortController;
}

interface Taken {
  readonly underWay: SnapshotUnderWay;
  readonly memory: boolean;
  readonly events: readonly string[];
  isFinished: boolean;
}

export interface FinishedSnapshot {
  files: SnapshotFile[];
  disks: DiskSnapshotFigures[];
}

export interface CutsOptions {
  readonly clock: Clock;
  readonly place: NodePlace;
  readonly hypervisor: Hypervisor;
  /** A machine that is held too long goes on between two calls for it. */
  readonly turns: Turns;
  onNotice(text: string): void;
}

/** What the host agent does of a cut: see `freeze`, `snapshot`, `thaw` in host-calls.ts. */
export interface Cuts {
  freeze(vm: string, terms: { limitMs: number; holdMs: number }): Promise<boolean>;
  snapshot(vm: string, terms: { memory: boolean; full: boolean }): Promise<void>;
  /** Idempotent. Returns how long the machine stood still in its latest cut. */
  thaw(vm: string): Promise<number>;
  /** Waits for the snapshot that was begun last, and publishes its files under the name of a cut. */
  finish(vm: string, cut: string): Promise<FinishedSnapshot>;
  /** Whether a snapshot of the machine is being written. */
  isBusy(vm: string): boolean;
  /** The machine is gone, or another one. */
  forget(vm: string): void;
  /** Has all machines go on that still stand, and waits for snapshots that are being written. */
  close(limitMs: number): Promise<void>;
  /** Has machines go on that a host agent which is gone has left standing. */
  recover(): Promise<void>;
}

export function createCuts(options: CutsOptions): Cuts {
  const { clock, place, hypervisor, turns, onNotice } = options;
  const cuts = new Map<string, Cut>();
  const pausedMs = new Map<string, number>();
  const taken = new Map<string, Taken>();
  const pathsOf = (vm: string): MachinePaths => machinePaths(place, vm);

  function begin(vm: string, holdMs: number): Cut {
    const over = new AbortController();
    const cut: Cut = { sinceMs: null, pausedMs: 0, frozen: false, goesOn: false, holdMs, over };
    cuts.set(vm, cut);
    pausedMs.delete(vm);
    void (async () => {
      await clock.sleep(holdMs, over.signal);
      if (over.signal.aborted) return;
      if (cut.sinceMs !== null) onNotice(goesOnLate(vm, holdMs));
      await turns.take(vm, () => thaw(vm)).catch((error: unknown) => onNotice(String(error)));
    })();
    return cut;
  }

  async function thaw(vm: string): Promise<number> {
    const cut = cuts.get(vm);
    if (cut === undefined) return pausedMs.get(vm) ?? 0;
    // The guest's agent thaws, so the processors run first.
    if (cut.goesOn && (await hypervisor.look(vm)).state === 'paused') await hypervisor.resume(vm);
    if (cut.frozen) await hypervisor.thaw(vm);
    const total = cut.pausedMs + (cut.sinceMs === null ? 0 : clock.nowMs() - cut.sinceMs);
    end(vm, cut);
    pausedMs.set(vm, total);
    return total;
  }

  function end(vm: string, cut: Cut): void {
    cut.over.abort();
    cuts.delete(vm);
    clearCut(pathsOf(vm));
  }

  async function freeze(vm: string, terms: { limitMs: number; holdMs: number }): Promise<boolean> {
    if (cuts.has(vm)) {
      throw new KgetError('usage', `Cannot freeze machine "${vm}": it is in a cut; thaw it first`);
    }
    await hypervisor.look(vm);
    const cut = begin(vm, terms.holdMs);
    markCut(pathsOf(vm), 'frozen');
    cut.sinceMs = clock.nowMs();
    // Until it is known that it is not.
    cut.frozen = true;
    const onAsked = (): void => void (cut.sinceMs = clock.nowMs());
    try {
      cut.frozen = await hypervisor.freeze(vm, { ...terms, onAsked });
    } catch (error) {
      await thaw(vm).catch(() => end(vm, cut));
      throw error;
    }
    if (!cut.frozen) cut.sinceMs = null;
    return cut.frozen;
  }

  async function snapshot(vm: string, terms: { memory: boolean; full: boolean }): Promise<void> {
    if (taken.get(vm)?.isFinished === false) {
      throw new KgetError('usage', `Cannot snapshot machine "${vm}": the one before is not done`);
    }
    if (terms.memory && cuts.get(vm)?.frozen === true) {
      throw new KgetError(
        'usage',
        `Cannot snapshot the memory of machine "${vm}": its guest is frozen, and would be so after ` +
          'every restore; thaw it first',
      );
    }
    const paths = pathsOf(vm);
    const { state } = await hypervisor.look(vm);
    withdrawEarlier(place, paths);
    taken.delete(vm);
    const cut = cuts.get(vm) ?? begin(vm, HOLD_LIMIT_MS);
    const goesOn = terms.memory && state === 'running';
    markCut(paths, goesOn ? 'goes-on' : 'frozen');
    cut.goesOn ||= goesOn;
    const request = { directory: paths.snapshot, leavePaused: true, ...terms };
    const underWay = await hypervisor.beginSnapshot(vm, request);
    if (terms.memory) copyOutputs(paths);
    if (cut.sinceMs === null) {
      if (goesOn) cut.sinceMs = clock.nowMs() - underWay.pausedMs;
      else cut.pausedMs += underWay.pausedMs;
    }
    const events = readEvents(paths);
    const entry: Taken = { underWay, memory: terms.memory, events, isFinished: false };
    taken.set(vm, entry);
    // `finish` tells of it, if it is called.
    const settle = (): void => void (entry.isFinished = true);
    underWay.finished.then(settle, settle);
  }

  return {
    freeze,
    snapshot,
    thaw,
    async finish(vm, cut) {
      const entry = taken.get(vm);
      if (entry === undefined) {
        throw new KgetError('usage', `Cannot finish a snapshot of machine "${vm}": none was begun`);
      }
      const { disks } = await entry.underWay.finished;
      const { spec } = await hypervisor.look(vm);
      const { memory, events } = entry;
      const paths = pathsOf(vm);
      const files = await publishSnapshot({ place, paths, spec, cut, memory, events });
      return { files, disks: [...disks] };
    },
    isBusy: (vm) => taken.get(vm)?.isFinished === false,
    forget(vm) {
      const cut = cuts.get(vm);
      if (cut !== undefined) end(vm, cut);
      pausedMs.delete(vm);
      taken.delete(vm);
    },
    async close(limitMs) {
      await Promise.allSettled([...cuts.keys()].map(thaw));
      const over = new AbortController();
      const all = Promise.allSettled([...taken.values()].map(({ underWay }) => underWay.finished));
      await Promise.race([all, clock.sleep(limitMs, over.signal)]);
      over.abort();
    },
    async recover() {
      for (const vm of existsSync(place.vms) ? readdirSync(place.vms) : []) {
        const mark = leftCut(pathsOf(vm));
        if (mark === undefined) continue;
        await release(vm, mark).catch((error: unknown) => onNotice(String(error)));
      }
    },
  };

  async function release(vm: string, mark: 'frozen' | 'goes-on'): Promise<void> {
    const { state } = await hypervisor.look(vm);
    if (mark === 'goes-on' && state === 'paused') await hypervisor.resume(vm);
    if (state === 'running' || state === 'paused') await hypervisor.thaw(vm);
    clearCut(pathsOf(vm));
  }
}

function goesOnLate(vm: string, holdMs: number): string {
  return `Machine "${vm}" has stood still for ${holdMs / 1000} s: it goes on, cut or no cut`;
}
