import { existsSync } from 'node:fs';
import { KgetError } from '../base/error.ts';
import type {
  DiskSnapshotFigures,
  FreezeOptions,
  SnapshotUnderWay,
} from '../hypervisor/hypervisor.ts';
import { markCut } from './cut-mark.ts';
import { openGate, type Gate } from './gate.ts';
import { machinePaths } from './node-place.ts';
import {
  copyOutputs,
  publishSnapshot,
  withdrawEarlier,
  type SnapshotFile,
} from './published-snapshot.ts';
import { readEvents } from './said.ts';
import { createStandstills, type StandstillOptions } from './standstills.ts';

/** A snapshot that was begun last. */
interface Taken {
  readonly underWay: SnapshotUnderWay;
  readonly memory: boolean;
  /** What the job runner had said by then. */
  readonly events: readonly string[];
  isFinished: boolean;
}

interface FinishedSnapshot {
  files: SnapshotFile[];
  disks: DiskSnapshotFigures[];
}

/** A snapshot of which everything is ready but the point in time. */
interface Prepared {
  readonly begun: Promise<SnapshotUnderWay>;
  readonly gate: Gate;
}

/** Nothing is held open for a snapshot that nobody takes for longer. */
const PREPARED_LIMIT_MS = 45_000;

/** What the host agent does of a cut: see `freeze`, `snapshot`, `thaw` in host-calls.ts. */
export interface Cuts {
  /** Gets a snapshot without memory ready, so that its machine stands still for a short time only. */
  prepare(vm: string, full: boolean): Promise<void>;
  freeze(vm: string, terms: FreezeOptions): Promise<boolean>;
  snapshot(vm: string, terms: { memory: boolean; full: boolean }): Promise<void>;
  /** Idempotent. Returns how long the machine stood still in its latest cut. */
  thaw(vm: string): Promise<number>;
  /** Waits for the snapshot that was begun last, and publishes its files under the name of a cut. */
  finish(vm: string, cut: string): Promise<FinishedSnapshot>;
  /** Whether a snapshot of the machine is being written. */
  isBusy(vm: string): boolean;
  /** Whether one is being prepared, the machine stands still for one, or it is being written. */
  isInCut(vm: string): boolean;
  /** The machine is gone, or another one. */
  forget(vm: string): void;
  /** Has all machines go on that still stand, and waits for snapshots that are being written. */
  close(limitMs: number): Promise<void>;
  /** Has machines go on that a host agent which is gone has left standing. */
  recover(): Promise<void>;
}

export function createCuts(options: StandstillOptions): Cuts {
  const { clock, place, hypervisor } = options;
  const standstills = createStandstills(options);
  const taken = new Map<string, Taken>();
  const prepared = new Map<string, Prepared>();

  async function prepare(vm: string, full: boolean): Promise<void> {
    refuseSnapshot(vm, { isBusy: isBusy(vm), wouldStayFrozen: false });
    const paths = machinePaths(place, vm);
    await hypervisor.look(vm);
    withdrawEarlier(place, paths);
    taken.delete(vm);
    const gate = openGate();
    const request = { directory: paths.snapshot, memory: false, leavePaused: true, full };
    const begun = hypervisor.beginSnapshot(vm, { ...request, whenReady: gate.arrive });
    begun.catch(() => {});
    prepared.set(vm, { begun, gate });
    void (async () => {
      await clock.sleep(PREPARED_LIMIT_MS, gate.over);
      await undo(vm, gate);
    })();
    try {
      await Promise.race([gate.arrived, begun]);
    } catch (error) {
      prepared.delete(vm);
      throw error;
    }
  }

  /** Nobody has used what was prepared, and nobody is to. */
  async function undo(vm: string, only?: Gate): Promise<void> {
    const it = prepared.get(vm);
    if (it === undefined || (only !== undefined && it.gate !== only)) return;
    prepared.delete(vm);
    it.gate.refuse(new KgetError('cancelled', `Gave up the snapshot of machine "${vm}"`));
    await it.begun.catch(() => {});
  }

  /** Fixes the point in time: of what was prepared if that is what is wanted. */
  async function fix(
    vm: string,
    terms: { memory: boolean; full: boolean },
  ): Promise<SnapshotUnderWay> {
    const it = prepared.get(vm);
    if (it !== undefined && !terms.memory) {
      prepared.delete(vm);
      it.gate.open();
      return await it.begun;
    }
    await undo(vm);
    const directory = machinePaths(place, vm).snapshot;
    return await hypervisor.beginSnapshot(vm, { directory, leavePaused: true, ...terms });
  }

  async function snapshot(vm: string, terms: { memory: boolean; full: boolean }): Promise<void> {
    refuseSnapshot(vm, { isBusy: isBusy(vm), wouldStayFrozen: terms.memory && isFrozen(vm) });
    const paths = machinePaths(place, vm);
    const { state } = await hypervisor.look(vm);
    if (!prepared.has(vm)) withdrawEarlier(place, paths);
    taken.delete(vm);
    const standstill = standstills.of(vm);
    const goesOn = terms.memory && state === 'running';
    markCut(paths, goesOn ? 'goes-on' : 'frozen');
    standstill.goesOn ||= goesOn;
    const underWay = await fix(vm, terms);
    if (standstill.sinceMs === null) {
      if (goesOn) standstill.sinceMs = clock.nowMs() - underWay.pausedMs;
      else standstill.pausedMs += underWay.pausedMs;
    }
    const { memory } = terms;
    const entry: Taken = { underWay, memory, events: readEvents(paths), isFinished: false };
    taken.set(vm, entry);
    // `finish` tells of it, if it is called.
    const settle = (): void => void (entry.isFinished = true);
    underWay.finished.then(settle, settle);
    if (memory) copyOutputs(paths);
  }

  async function thaw(vm: string): Promise<number> {
    await undo(vm);
    return await standstills.thaw(vm);
  }

  const { freeze, isFrozen, recover } = standstills;
  const isBusy = (vm: string): boolean => taken.get(vm)?.isFinished === false;

  return {
    prepare,
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
      const paths = machinePaths(place, vm);
      const files = await publishSnapshot({ place, paths, spec, cut, memory, events });
      return { files, disks: [...disks] };
    },
    isBusy,
    isInCut: (vm) => prepared.has(vm) || isBusy(vm) || existsSync(machinePaths(place, vm).cut),
    forget(vm) {
      standstills.forget(vm);
      taken.delete(vm);
    },
    async close(limitMs) {
      await Promise.all([...prepared.keys()].map((vm) => undo(vm)));
      await standstills.thawAll();
      const over = new AbortController();
      const all = Promise.allSettled([...taken.values()].map(({ underWay }) => underWay.finished));
      await Promise.race([all, clock.sleep(limitMs, over.signal)]);
      over.abort();
    },
    recover,
  };
}

function refuseSnapshot(vm: string, it: { isBusy: boolean; wouldStayFrozen: boolean }): void {
  if (it.isBusy) {
    throw new KgetError('usage', `Cannot snapshot machine "${vm}": the one before is not done`);
  }
  if (!it.wouldStayFrozen) return;
  throw new KgetError(
    'usage',
    `Cannot snapshot the memory of machine "${vm}": its guest is frozen, and would be so after ` +
      'every restore; thaw it first',
  );
}
