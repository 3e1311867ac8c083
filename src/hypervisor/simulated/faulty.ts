import type { Clock } from '../../base/clock.ts';
import { KgetError, type ErrorCode } from '../../base/error.ts';
import type { Hypervisor } from '../hypervisor.ts';

/** What goes wrong in a call. */
export type Fault =
  /** It throws at once, and nothing was done. */
  | { readonly kind: 'throws'; readonly code: ErrorCode }
  /** Nothing is done, and after its limit it throws `timeout`. */
  | { readonly kind: 'hangs' }
  /** It is done, but takes longer. */
  | { readonly kind: 'late'; readonly delayMs: number }
  /** It is done, but nobody says so: after its limit it throws `timeout`. */
  | { readonly kind: 'unanswered' };

type HypervisorCall = Exclude<keyof Hypervisor, 'kind'>;

export interface FaultOptions {
  readonly clock: Clock;
  /** After which calls that hang throw. */
  readonly limitMs: number;
  /** `machine` is null for calls that are for none. */
  faultOf(call: HypervisorCall, machine: string | null): Fault | undefined;
}

/** A hypervisor with faults, by name of the call: a decorator for any driver. */
export function faultyHypervisor(inner: Hypervisor, options: FaultOptions): Hypervisor {
  const { clock, limitMs, faultOf } = options;

  async function play<T>(
    call: HypervisorCall,
    machine: string | null,
    run: () => Promise<T>,
  ): Promise<T> {
    const fault = faultOf(call, machine);
    const tried = `Cannot ${call}${machine === null ? '' : ` "${machine}"`}`;
    const late = `${tried}: no answer within ${limitMs} ms`;
    switch (fault?.kind) {
      case undefined:
        return run();
      case 'throws':
        throw new KgetError(fault.code, `${tried}: a fault that was wanted`);
      case 'late':
        await clock.sleep(fault.delayMs);
        return run();
      case 'hangs':
        await clock.sleep(limitMs);
        throw new KgetError('timeout', late);
      case 'unanswered':
        await run();
        await clock.sleep(limitMs);
        throw new KgetError('timeout', late);
      default:
        return fault satisfies never;
    }
  }

  return {
    kind: inner.kind,
    probe: (signal) => play('probe', null, () => inner.probe(signal)),
    list: () => play('list', null, () => inner.list()),
    look: (name) => play('look', name, () => inner.look(name)),
    create: (spec) => play('create', spec.name, () => inner.create(spec)),
    start: (name) => play('start', name, () => inner.start(name)),
    stop: (name) => play('stop', name, () => inner.stop(name)),
    shutdown: (name, terms) => play('shutdown', name, () => inner.shutdown(name, terms)),
    waitForExit: (name, signal) => play('waitForExit', name, () => inner.waitForExit(name, signal)),
    remove: (name) => play('remove', name, () => inner.remove(name)),
    pause: (name) => play('pause', name, () => inner.pause(name)),
    resume: (name) => play('resume', name, () => inner.resume(name)),
    suspend: (name) => play('suspend', name, () => inner.suspend(name)),
    freeze: (name, terms) => play('freeze', name, () => inner.freeze(name, terms)),
    thaw: (name) => play('thaw', name, () => inner.thaw(name)),
    beginSnapshot: (name, request) =>
      play('beginSnapshot', name, () => inner.beginSnapshot(name, request)),
    restore: (spec, from) => play('restore', spec.name, () => inner.restore(spec, from)),
    exportDisk: (name, disk) => play('exportDisk', name, () => inner.exportDisk(name, disk)),
    dirtyMap: (name, disk) => play('dirtyMap', name, () => inner.dirtyMap(name, disk)),
    prepareMigration: (spec, terms) =>
      play('prepareMigration', spec.name, () => inner.prepareMigration(spec, terms)),
    migrate: (name, endpoint, terms) =>
      play('migrate', name, () => inner.migrate(name, endpoint, terms)),
    finishMigration: (name) => play('finishMigration', name, () => inner.finishMigration(name)),
    abandonMigration: (name) => play('abandonMigration', name, () => inner.abandonMigration(name)),
    ...(inner.switchBase !== undefined && {
      switchBase: (name, disk, to) =>
        play('switchBase', name, async () => inner.switchBase?.(name, disk, to)),
    }),
  };
}
