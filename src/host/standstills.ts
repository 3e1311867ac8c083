import { existsSync, readdirSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { KgetError } from '../base/error.ts';
import type { FreezeOptions, Hypervisor } from '../hypervisor/hypervisor.ts';
import { clearCut, leftCut, markCut, type CutMark } from './cut-mark.ts';
import { machinePaths, type NodePlace } from './node-place.ts';
import type { Turns } from './turns.ts';

/** How long a machine stands still for a cut with memory, at most: others may be large. */
const HOLD_LIMIT_MS = 10 * 60_000;

/** A machine's part in a cut: from `freeze` or `snapshot` to `thaw`. */
interface Standstill {
  /** Since when the machine stands still; null if it does not. */
  sinceMs: number | null;
  /** How long it stood still, apart from what `sinceMs` tells. */
  pausedMs: number;
  frozen: boolean;
  /** Its processors are to run again after the cut. */
  goesOn: boolean;
  readonly over: AbortController;
}

export interface StandstillOptions {
  readonly clock: Clock;
  readonly place: NodePlace;
  readonly hypervisor: Hypervisor;
  /** A machine that is held too long goes on between two calls for it. */
  readonly turns: Turns;
  onNotice(text: string): void;
}

/** Which machines stand still for a cut: every one goes on, whoever forgets it. */
export interface Standstills {
  freeze(vm: string, terms: FreezeOptions): Promise<boolean>;
  /** That of the machine, which begins now if it has not yet. */
  of(vm: string): Standstill;
  isFrozen(vm: string): boolean;
  /** Idempotent. Returns how long the machine stood still in its latest cut. */
  thaw(vm: string): Promise<number>;
  /** The machine is gone, or another one. */
  forget(vm: string): void;
  thawAll(): Promise<void>;
  /** Has machines go on that a host agent which is gone has left standing. */
  recover(): Promise<void>;
}

export function createStandstills(options: StandstillOptions): Standstills {
  const { clock, place, hypervisor, turns, onNotice } = options;
  const standing = new Map<string, Standstill>();
  const pausedMs = new Map<string, number>();
  const tell = (error: unknown): void => onNotice(String(error));

  function begin(vm: string, holdMs: number): Standstill {
    const over = new AbortController();
    const it: Standstill = { sinceMs: null, pausedMs: 0, frozen: false, goesOn: false, over };
    standing.set(vm, it);
    pausedMs.delete(vm);
    void (async () => {
      await clock.sleep(holdMs, over.signal);
      if (over.signal.aborted) return;
      if (it.sinceMs !== null) onNotice(goesOnLate(vm, holdMs));
      await turns.take(vm, () => thaw(vm)).catch(tell);
    })();
    return it;
  }

  function end(vm: string, it: Standstill): void {
    it.over.abort();
    standing.delete(vm);
    clearCut(machinePaths(place, vm));
  }

  async function thaw(vm: string): Promise<number> {
    const it = standing.get(vm);
    if (it === undefined) return pausedMs.get(vm) ?? 0;
    // The guest's agent thaws, so the processors run first.
    if (it.goesOn && (await hypervisor.look(vm)).state === 'paused') await hypervisor.resume(vm);
    if (it.frozen) await hypervisor.thaw(vm);
    const total = it.pausedMs + (it.sinceMs === null ? 0 : clock.nowMs() - it.sinceMs);
    end(vm, it);
    pausedMs.set(vm, total);
    return total;
  }

  async function release(vm: string, mark: CutMark): Promise<void> {
    const { state } = await hypervisor.look(vm);
    if (mark === 'goes-on' && state === 'paused') await hypervisor.resume(vm);
    if (state === 'running' || state === 'paused') await hypervisor.thaw(vm);
    clearCut(machinePaths(place, vm));
  }

  return {
    thaw,
    of: (vm) => standing.get(vm) ?? begin(vm, HOLD_LIMIT_MS),
    isFrozen: (vm) => standing.get(vm)?.frozen ?? false,
    async freeze(vm, terms) {
      if (standing.has(vm)) {
        const found = 'it is in a cut; thaw it first';
        throw new KgetError('usage', `Cannot freeze machine "${vm}": ${found}`);
      }
      await hypervisor.look(vm);
      const it = begin(vm, terms.holdMs);
      markCut(machinePaths(place, vm), 'frozen');
      it.sinceMs = clock.nowMs();
      // Until it is known that it is not.
      it.frozen = true;
      const onAsked = (): void => void (it.sinceMs = clock.nowMs());
      try {
        it.frozen = await hypervisor.freeze(vm, { ...terms, onAsked });
      } catch (error) {
        await thaw(vm).catch(() => end(vm, it));
        throw error;
      }
      if (!it.frozen) it.sinceMs = null;
      return it.frozen;
    },
    forget(vm) {
      const it = standing.get(vm);
      if (it !== undefined) end(vm, it);
      pausedMs.delete(vm);
    },
    async thawAll() {
      await Promise.all([...standing.keys()].map((vm) => thaw(vm).catch(tell)));
    },
    async recover() {
      for (const vm of existsSync(place.vms) ? readdirSync(place.vms) : []) {
        const mark = leftCut(machinePaths(place, vm));
        if (mark !== undefined) await release(vm, mark).catch(tell);
      }
    },
  };
}

function goesOnLate(vm: string, holdMs: number): string {
  return `Machine "${vm}" has stood still for ${holdMs / 1000} s: it goes on, cut or no cut`;
}
