import { appendFileSync } from 'node:fs';
import { isUp, nextAct, type GuestAct } from './guest.ts';
import {
  endGuest,
  holdsMemory,
  thawMachine,
  writeToRoot,
  type SimulatedMachine,
} from './machine.ts';

/** Lines of one machine that are kept; a guest that says more has a fault of its script. */
const MAX_LINES = 10_000;

/** Times are sums of floating-point numbers: what is due so soon is due now, or never. */
const ROUNDING_MS = 1e-6;

/** Brings a machine from when it was last seen to now: its guest has done all that was due. */
export function settleMachine(machine: SimulatedMachine): void {
  const nowMs = machine.clock.nowMs();
  while (machine.state === 'running') {
    const next = nextAct(machine.script, machine.memory);
    const leftMs = nowMs - machine.seenMs;
    if (next === undefined || next.inMs > leftMs + ROUNDING_MS) break;
    passTime(machine, Math.min(next.inMs, leftMs));
    if (next.act.kind !== 'power-off' || machine.memory.offAtMs === null) {
      machine.memory = { ...machine.memory, stepsDone: machine.memory.stepsDone + 1 };
    }
    act(machine, next.act);
  }
  passTime(machine, nowMs - machine.seenMs);
}

function passTime(machine: SimulatedMachine, durationMs: number): void {
  const fromMs = machine.seenMs;
  machine.seenMs += durationMs;
  const { frozenUntilMs } = machine;
  if (frozenUntilMs !== null && frozenUntilMs <= machine.seenMs) thawMachine(machine);
  if (machine.state !== 'running') return;
  const { script, memory } = machine;
  machine.memory = { ...memory, ranMs: memory.ranMs + durationMs };
  if (!isUp(script, machine.memory)) return;
  const thawedMs = machine.seenMs - Math.max(fromMs, frozenUntilMs ?? fromMs);
  writeToRoot(machine, (Math.max(0, thawedMs) * script.diskBytesPerSecond) / 1000);
}

function act(machine: SimulatedMachine, next: GuestAct): void {
  switch (next.kind) {
    case 'say':
      return say(machine, next);
    case 'write':
      return writeToRoot(machine, next.sizeBytes);
    case 'panic':
      return endGuest(machine, { reason: 'panicked', detail: 'the guest has panicked' });
    case 'power-off':
      return endGuest(machine, { reason: 'guest', detail: 'the guest has shut down' });
    default:
      next satisfies never;
  }
}

function say(machine: SimulatedMachine, { port, line }: { port: string; line: string }): void {
  if (machine.said.length < MAX_LINES) machine.said.push({ port, line });
  for (const channel of machine.spec.channels) {
    if (channel.kind === 'file' && channel.name === port) appendFileSync(channel.path, `${line}\n`);
  }
}

/** Gives it processors: it runs from now on, with what it remembers. */
export function runMachine(machine: SimulatedMachine): void {
  machine.state = 'running';
  machine.exit = null;
  awaitNext(machine);
}

export function killMachine(machine: SimulatedMachine): void {
  settleMachine(machine);
  if (!holdsMemory(machine)) return;
  // As bitmaps of QEMU's, which it saves when it ends in order.
  for (const disk of machine.disks.values()) disk.mark = null;
  endGuest(machine, { reason: 'killed', detail: 'its process is gone' });
}

/** Has what its guest does next happen by itself. */
export function awaitNext(machine: SimulatedMachine): void {
  machine.wake.abort();
  const wake = new AbortController();
  machine.wake = wake;
  const next = nextAct(machine.script, machine.memory);
  const thawInMs = (machine.frozenUntilMs ?? Infinity) - machine.clock.nowMs();
  const inMs = Math.min(next?.inMs ?? Infinity, thawInMs);
  if (inMs === Infinity) return;
  void wakeLater(machine, { inMs: Math.max(0, inMs), signal: wake.signal });
}

async function wakeLater(
  machine: SimulatedMachine,
  { inMs, signal }: { readonly inMs: number; readonly signal: AbortSignal },
): Promise<void> {
  await machine.clock.sleep(inMs, signal);
  if (signal.aborted) return;
  settleMachine(machine);
  if (machine.state === 'running') awaitNext(machine);
}
