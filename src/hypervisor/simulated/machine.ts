import type { Clock } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';
import type { VmExit, VmFacts, VmState } from '../hypervisor.ts';
import type { VmSpec } from '../vm-spec.ts';
import type { SimulatedDisk } from './disk.ts';
import { SWITCHED_ON, type GuestMemory, type GuestScript } from './guest.ts';

/** A machine on its host. All times are the clock's. */
export interface SimulatedMachine {
  readonly spec: VmSpec;
  readonly script: GuestScript;
  readonly clock: Clock;
  /** Copy-on-write disks, by name; the guest writes to the first. */
  readonly disks: ReadonlyMap<string, SimulatedDisk>;
  readonly said: { readonly port: string; readonly line: string }[];
  readonly onExit: Set<(exit: VmExit) => void>;
  /** Whoever waits until the guest may write again. */
  readonly onThaw: Set<() => void>;
  state: VmState;
  exit: VmExit | null;
  memory: GuestMemory;
  /** Until when `memory` and disks are told. */
  seenMs: number;
  frozenUntilMs: number | null;
  /** Ends the wait for what the guest does next. */
  wake: AbortController;
  /** Another number each time it gets a process: what was begun before is void. */
  session: number;
  /** It came by migration, and `finishMigration` has not been called. */
  hasArrived: boolean;
  /** Files of a snapshot are being written. */
  isCopied: boolean;
}

/** A machine that was never started. */
export function newMachine(
  facts: Pick<SimulatedMachine, 'spec' | 'script' | 'clock' | 'disks'>,
): SimulatedMachine {
  return {
    ...facts,
    said: [],
    onExit: new Set(),
    onThaw: new Set(),
    state: 'defined',
    exit: null,
    memory: SWITCHED_ON,
    seenMs: facts.clock.nowMs(),
    frozenUntilMs: null,
    wake: new AbortController(),
    session: 0,
    hasArrived: false,
    isCopied: false,
  };
}

export function factsOf(machine: SimulatedMachine): VmFacts {
  const { spec, state, exit } = machine;
  return { name: spec.name, state, spec, exit };
}

export function holdsMemory({ state }: SimulatedMachine): boolean {
  return ['running', 'paused', 'incoming', 'panicked'].includes(state);
}

/** @throws KgetError `usage` unless the machine is in one of these states */
export function requireState(
  { spec, state }: SimulatedMachine,
  call: string,
  wanted: readonly VmState[],
): void {
  if (wanted.includes(state)) return;
  throw new KgetError(
    'usage',
    `Cannot ${call} machine "${spec.name}": it is ${state}, wanted ${wanted.join(' or ')}`,
  );
}

/** Writes on behind what was written last, and begins anew at the disk's end. */
export function writeToRoot({ disks }: SimulatedMachine, sizeBytes: number): void {
  const root = disks.values().next().value;
  if (root !== undefined) root.writtenBytes += sizeBytes;
}

/** Takes its processors, for whatever state. */
export function holdMachine(machine: SimulatedMachine, state: VmState): void {
  machine.wake.abort();
  machine.state = state;
}

/** A new process for the machine: what was begun with the last one is void. */
export function beginSession(machine: SimulatedMachine, memory: GuestMemory): void {
  machine.session += 1;
  machine.memory = memory;
  machine.exit = null;
  machine.seenMs = machine.clock.nowMs();
}

/** The end of a machine's process, or of its guest's kernel. */
export function endGuest(machine: SimulatedMachine, exit: VmExit): void {
  holdMachine(machine, exit.reason === 'panicked' ? 'panicked' : 'stopped');
  machine.session += 1;
  machine.exit = exit;
  thawMachine(machine);
  for (const tell of machine.onExit) tell(exit);
}

export function thawMachine(machine: SimulatedMachine): void {
  machine.frozenUntilMs = null;
  for (const tell of machine.onThaw) tell();
}
