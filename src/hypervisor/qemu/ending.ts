import { existsSync, rmSync } from 'node:fs';
import { KgetError } from '../../base/error.ts';
import { replaceFile } from '../../content/durable.ts';
import type { VmExit } from '../hypervisor.ts';
import type { Machine } from './machine.ts';
import { awaitEnd, killProcess, processOf } from './process.ts';
import { exitOf, readEvents, stateOf } from './states.ts';

/** QEMU writes out what it holds of the disks, and ends. */
const QUIT_LIMIT_MS = 10_000;
/** A guest that boots misses the button: it is pressed again. */
const PRESS_AGAIN_MS = 5000;
/** From one look at a machine's process and events to the next. */
const WATCH_INTERVAL_MS = 100;

/** Ends a machine at once. Idempotent; one that was never started stays as it is. */
export async function stopMachine(machine: Machine, detail = 'it was ended'): Promise<void> {
  const { places } = machine;
  if (processOf(places) === undefined) {
    if (!existsSync(places.suspended)) return;
    await writeExit(machine, { reason: 'stopped', detail });
    rmSync(places.suspended, { force: true });
    rmSync(places.memory, { force: true });
    return;
  }
  const { host, title } = machine;
  // Whoever waits for its end is to find out why when it has ended, not after.
  await writeExit(machine, { reason: 'stopped', detail });
  try {
    const where = { path: places.spare, title };
    await host.sessions.use(where, async (qmp) => qmp.execute('quit'));
  } catch {
    // It hangs, or has just ended: the process decides.
  }
  if (await awaitEnd(machine, QUIT_LIMIT_MS)) return;
  await killProcess(machine);
}

async function writeExit({ places }: Machine, exit: VmExit): Promise<void> {
  await replaceFile(places.exit, `${JSON.stringify(exit)}\n`);
}

/** Asks the guest to shut down, and ends it after `limitMs`. @throws KgetError `usage` */
export async function shutDown(machine: Machine, limitMs: number): Promise<'clean' | 'forced'> {
  const { host, title } = machine;
  const state = await stateOf(machine);
  if (state !== 'running') {
    if (state === 'stopped')
      return (await exitOf(machine))?.reason === 'guest' ? 'clean' : 'forced';
    throw new KgetError('usage', `Cannot shut down ${title}: it is ${state}, wanted running`);
  }
  const untilMs = host.clock.nowMs() + limitMs;
  for (let leftMs = limitMs; leftMs > 0; leftMs = untilMs - host.clock.nowMs()) {
    await pressButton(machine);
    if (await awaitEnd(machine, Math.min(leftMs, PRESS_AGAIN_MS))) {
      return (await exitOf(machine))?.reason === 'guest' ? 'clean' : 'forced';
    }
  }
  await stopMachine(machine, `the guest did not shut down within ${limitMs / 1000} s`);
  return 'forced';
}

async function pressButton({ host, places, title }: Machine): Promise<void> {
  try {
    const where = { path: places.spare, title };
    await host.sessions.use(where, async (qmp) => qmp.execute('system_powerdown'));
  } catch {
    // It hangs, or has just ended: whether it does is seen.
  }
}

/** Resolves when a machine that was started has ended or panicked. @throws KgetError `cancelled` */
export async function awaitExit(machine: Machine, signal: AbortSignal): Promise<VmExit> {
  const { host, places, title } = machine;
  for (;;) {
    if (signal.aborted) {
      throw new KgetError('cancelled', `Stopped waiting for the end of ${title} on request`);
    }
    if (!existsSync(places.record)) {
      throw new KgetError('usage', `Cannot wait for the end of ${title}: it was removed`);
    }
    const isUp = processOf(places) !== undefined;
    if (isUp && (await hasPanicked(machine))) {
      return { reason: 'panicked', detail: "the guest's kernel has panicked" };
    }
    if (!isUp && !existsSync(places.suspended)) {
      const exit = await exitOf(machine);
      if (exit !== null) return exit;
    }
    await host.clock.sleep(WATCH_INTERVAL_MS, signal);
  }
}

async function hasPanicked({ places }: Machine): Promise<boolean> {
  return (await readEvents(places.events)).some(({ name }) => name === 'GUEST_PANICKED');
}
