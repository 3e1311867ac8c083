import { KgetError } from '../../base/error.ts';
import type { FreezeOptions, VmExit } from '../hypervisor.ts';
import { isUp, pressButton, upMs } from './guest.ts';
import {
  endGuest,
  holdsMemory,
  requireState,
  thawMachine,
  type SimulatedMachine,
} from './machine.ts';
import { awaitNext, settleMachine } from './progress.ts';

/** See `Hypervisor.stop`. */
export function stopMachine(machine: SimulatedMachine): void {
  if (!holdsMemory(machine) && machine.state !== 'suspended') return;
  endGuest(machine, { reason: 'stopped', detail: 'it was stopped' });
}

/** See `Hypervisor.shutdown`. */
export async function shutDown(
  machine: SimulatedMachine,
  { limitMs }: { readonly limitMs: number },
): Promise<'clean' | 'forced'> {
  requireState(machine, 'shut down', ['running', 'paused']);
  const { session } = machine;
  machine.memory = pressButton(machine.script, machine.memory);
  if (machine.state === 'running') awaitNext(machine);
  const late = new AbortController();
  const ended = new Promise<VmExit>((resolve) => {
    machine.onExit.add(resolve);
    late.signal.addEventListener('abort', () => machine.onExit.delete(resolve));
  });
  const exit = await Promise.race([ended, machine.clock.sleep(limitMs, late.signal)]);
  late.abort();
  if (exit?.reason === 'guest') return 'clean';
  settleMachine(machine);
  if (machine.exit?.reason === 'guest') return 'clean';
  // A machine that was started anew meanwhile is not meant.
  if (machine.session === session || machine.state === 'panicked') stopMachine(machine);
  return 'forced';
}

/** See `Hypervisor.waitForExit`. */
export async function awaitEnd(machine: SimulatedMachine, signal: AbortSignal): Promise<VmExit> {
  if (machine.exit !== null) return machine.exit;
  const { name } = machine.spec;
  const stopped = () =>
    new KgetError('cancelled', `Stopped waiting for the end of machine "${name}" on request`);
  if (signal.aborted) throw stopped();
  const ended = Promise.withResolvers<VmExit>();
  const onAbort = (): void => ended.reject(stopped());
  machine.onExit.add(ended.resolve);
  signal.addEventListener('abort', onAbort);
  try {
    return await ended.promise;
  } finally {
    machine.onExit.delete(ended.resolve);
    signal.removeEventListener('abort', onAbort);
  }
}

/** See `Hypervisor.freeze`: a guest that is about to boot answers as soon as it has. */
export async function freezeGuest(
  machine: SimulatedMachine,
  { limitMs, holdMs }: FreezeOptions,
): Promise<boolean> {
  requireState(machine, 'freeze', ['running']);
  const { script, memory, clock, session } = machine;
  if (!isUp(script, memory) || !script.hasAgent) {
    const inMs = script.hasAgent ? -upMs(script, memory) : Infinity;
    await clock.sleep(Math.min(inMs, limitMs));
    if (inMs > limitMs) return false;
    settleMachine(machine);
    if (machine.session !== session || machine.state !== 'running') return false;
  }
  if (machine.frozenUntilMs !== null) {
    throw new KgetError('usage', `Cannot freeze machine "${machine.spec.name}": it is frozen`);
  }
  machine.frozenUntilMs = clock.nowMs() + holdMs;
  awaitNext(machine);
  return true;
}

/** See `Hypervisor.thaw`. */
export function thawGuest(machine: SimulatedMachine): void {
  thawMachine(machine);
  if (machine.state === 'running') awaitNext(machine);
}
