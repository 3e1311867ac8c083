import { existsSync, rmSync } from 'node:fs';
import { KgetError } from '../../base/error.ts';
import { replaceFile } from '../../content/durable.ts';
import type { SnapshotFiles } from '../hypervisor.ts';
import type { Machine, QemuHost } from './machine.ts';
import { fromSnapshot, makeMachine, removeMachine } from './making.ts';
import { loadMemory, saveMemory } from './memory.ts';
import type { VmSpec } from '../vm-spec.ts';
import { awaitEnd, killProcess, launch, processOf } from './process.ts';
import { exitOf } from './states.ts';

const QUIT_LIMIT_MS = 10_000;

const control = ({ places, title }: Machine) => ({ path: places.control, title });

/** Starts a machine that is defined, or has stopped. */
export async function startMachine(machine: Machine): Promise<void> {
  const { host, places, title } = machine;
  if (existsSync(places.moved)) {
    throw new KgetError('usage', `Cannot start ${title}: it has moved to another host`);
  }
  // Whoever began to start it is gone.
  await killProcess(machine);
  const before = await exitOf(machine);
  try {
    await launch(machine, 'start');
    await host.sessions.use(control(machine), async (qmp) => qmp.execute('cont'));
    rmSync(places.exit, { force: true });
  } catch (error) {
    await killProcess(machine);
    rmSync(places.events, { force: true });
    if (before !== null) await replaceFile(places.exit, `${JSON.stringify(before)}\n`);
    throw error;
  }
}

/** Saves memory, and ends the process; if this throws, the guest goes on as it did. */
export async function suspendMachine(machine: Machine, wasRunning: boolean): Promise<void> {
  const { host, places } = machine;
  await host.sessions.use(control(machine), async (qmp) => {
    await qmp.execute('stop');
    try {
      await saveMemory(qmp, machine, places.memory);
      await replaceFile(places.suspended, '{}\n');
    } catch (error) {
      rmSync(places.suspended, { force: true });
      rmSync(places.memory, { force: true });
      if (wasRunning && !qmp.ended.aborted) await qmp.execute('cont');
      throw error;
    }
    await qmp.execute('quit').catch(() => undefined);
  });
  if (!(await awaitEnd(machine, QUIT_LIMIT_MS))) await killProcess(machine);
}

/** Goes on from the memory that `suspendMachine` has saved; if this throws, it stays suspended. */
export async function wakeMachine(machine: Machine): Promise<void> {
  const { host, places } = machine;
  try {
    await launch(machine, 'incoming');
    await host.sessions.use(control(machine), async (qmp) => {
      await loadMemory(qmp, machine, places.memory);
      // From here on the disks may change, and that memory fits them no more.
      rmSync(places.suspended, { force: true });
      rmSync(places.memory, { force: true });
      await qmp.execute('cont');
    });
  } catch (error) {
    if (existsSync(places.suspended)) await killProcess(machine);
    throw error;
  }
}

/** Makes a machine from a snapshot: see `Hypervisor.restore`. */
export async function restoreMachine(
  host: QemuHost,
  spec: VmSpec,
  from: SnapshotFiles,
): Promise<void> {
  const machine = await makeMachine(host, fromSnapshot(spec, from));
  const { memory } = from;
  if (memory === null) return;
  try {
    await launch(machine, 'incoming');
    await host.sessions.use(control(machine), async (qmp) => {
      await loadMemory(qmp, machine, memory.state);
    });
  } catch (error) {
    if (processOf(machine.places) !== undefined) await killProcess(machine);
    removeMachine(machine);
    throw error;
  }
}
