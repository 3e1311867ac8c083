import type { Dice } from '../../fuzz/dice.ts';
import type { AttachPoint } from '../../src/agent/attach-point.ts';
import type { Disk } from './disk.ts';
import type { Network } from './network.ts';
import type { Timeline } from './timeline.ts';

/** A simulated computer. */
export interface Host {
  readonly name: string;
  readonly disk: Disk;
  /** Off, for a while or for good. */
  isDown: boolean;
  readonly processes: Set<Process>;
  /** What its wall clock is ahead of true time. */
  clockAheadMs: number;
  /** How much slower than usual its disk answers. */
  diskSlowness: number;
  /** So many syncs of files will fail. */
  failingSyncs: number;
  /** So many reads of images will find a bit flipped that is not on the disk. */
  flippedReads: number;
  /** Bits that were flipped so far. */
  flips: number;
  /** Whether it has coreutils' `sync`. */
  readonly hasSync: boolean;
  /** Where its agents find each other. */
  readonly attach: AttachPoint;
}

/** What all hosts of one simulation share. */
export interface Machine {
  readonly timeline: Timeline;
  readonly dice: Dice;
  readonly network: Network;
  /** How many processes and connections there were: each has a number of its own. */
  started: number;
  /** All that there were. */
  readonly processes: Process[];
  /**
   * Called before each effect that others can see: a change on disk, a message, bytes on a
   * connection. May stop the process, whose effect is then none.
   */
  onEffect(process: Process, effect: string): void;
  /** Something happened that no program may do: an error that nobody catches. */
  onFault(process: Process, error: unknown): void;
}

/** A simulated process: production code that runs on a host. */
export interface Process {
  readonly machine: Machine;
  readonly host: Host;
  readonly name: string;
  /** Like the field of proc(5): tells it from another process of the same id. */
  readonly startTime: number;
  readonly startedMs: number;
  state: 'running' | 'dead';
  /** Since when, and how, if it is dead. */
  ended: { readonly atMs: number; readonly how: ProcessEnd } | undefined;
  /** While stopped, nothing reaches it. */
  stoppedUntilMs: number;
  /** Effects so far. */
  effects: number;
  /** Called when it dies or ends: the operating system closes what it had open. */
  readonly onEnd: Set<(how: ProcessEnd) => void>;
}

/** How a process ended: by itself, killed alone, or with its whole host. */
export type ProcessEnd = 'exit' | 'kill' | 'power';

/** Thrown into the code of a process that is dead: it can do nothing any more. */
export class ProcessDied extends Error {
  override readonly name = 'ProcessDied';
}

/**
 * The process whose code runs now. There is one processor: between two events every promise is
 * settled, so whatever runs belongs to the process of the event.
 */
let running: Process | undefined;

export function currentProcess(): Process {
  if (running === undefined) throw new Error('no simulated process runs');
  return running;
}

/** Whether the code that runs is that of a simulated process. */
export function isSimulated(): boolean {
  return running !== undefined;
}

const FIRST_ID = 100;

/** Starts a process on a host that is up. */
export function startProcess(machine: Machine, host: Host, name: string): Process {
  machine.started += 1;
  const process: Process = {
    machine,
    host,
    name,
    startTime: machine.started,
    startedMs: machine.timeline.nowMs(),
    state: 'running',
    ended: undefined,
    stoppedUntilMs: 0,
    effects: 0,
    onEnd: new Set(),
  };
  host.processes.add(process);
  machine.processes.push(process);
  return process;
}

/** Its id, as the system counts. */
export function idOf({ startTime }: Process): number {
  return FIRST_ID + startTime;
}

/** Ends a process: nothing of it happens any more. */
export function endProcess(process: Process, how: ProcessEnd): void {
  if (process.state === 'dead') return;
  process.state = 'dead';
  process.ended = { atMs: process.machine.timeline.nowMs(), how };
  process.host.processes.delete(process);
  for (const listener of process.onEnd) listener(how);
  process.onEnd.clear();
}

/** Runs code as that of `process`; all that follows from it up to the next event belongs to it. */
export function runIn(process: Process, action: () => void): void {
  running = process;
  try {
    action();
  } catch (error) {
    if (!(error instanceof ProcessDied)) process.machine.onFault(process, error);
  }
}

/** Times nearer than this are the same: the timeline counts in nanoseconds. */
const LEAST_MS = 1e-3;

/** Has `action` happen in a process later, unless that is dead by then; returns how to call it off. */
export function post(process: Process, delayMs: number, action: () => void): () => void {
  const { timeline } = process.machine;
  let callOff = timeline.after(delayMs, arrive);
  function arrive(): void {
    if (process.state === 'dead') return;
    const leftMs = process.stoppedUntilMs - timeline.nowMs();
    if (leftMs > LEAST_MS) callOff = timeline.after(leftMs, arrive);
    else runIn(process, action);
  }
  return () => callOff();
}

/**
 * Called by the code that runs before it does what others can see.
 * @throws ProcessDied if the process is dead, or dies of it
 */
export function beforeEffect(effect: string): Process {
  const process = currentProcess();
  if (process.state === 'running') {
    process.effects += 1;
    process.machine.onEffect(process, effect);
  }
  if (process.state === 'dead') throw new ProcessDied(`${process.name} is dead`);
  return process;
}
