import { existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import * as z from 'zod/mini';
import { KgetError } from '../../base/error.ts';
import type { VmExit, VmFacts, VmState } from '../hypervisor.ts';
import type { Machine } from './machine.ts';
import type { Places } from './places.ts';
import { lastWords, processOf } from './process.ts';
import { parseQmpLine, type QmpEvent } from './qmp-line.ts';

/** A guest that is reset all the time makes QEMU tell so: what is older than this is passed over. */
const MAX_EVENT_BYTES = 2 ** 20;

const status = z.object({ status: z.string() });

const exitFields = z.object({
  reason: z.enum(['guest', 'stopped', 'panicked', 'killed']),
  detail: z.string(),
});

/** What a machine is like, by its files and by what QEMU says. @throws KgetError `timeout` */
export async function factsOf(machine: Machine): Promise<VmFacts> {
  const state = await stateOf(machine);
  const hasEnded = state === 'stopped' || state === 'panicked';
  const exit = hasEnded ? await exitOf(machine) : null;
  return { name: machine.name, state, spec: machine.record.spec, exit };
}

export async function stateOf(machine: Machine): Promise<VmState> {
  const { places } = machine;
  if (processOf(places) === undefined) return stateWithoutProcess(places);
  if (existsSync(places.incoming)) return 'incoming';
  let word: string;
  try {
    word = await askStatus(machine);
  } catch (error) {
    if (processOf(places) === undefined) return stateWithoutProcess(places);
    throw error;
  }
  switch (word) {
    case 'guest-panicked':
      return 'panicked';
    case 'prelaunch':
      // Whoever was starting it is gone: `start` begins again.
      return stateWithoutProcess(places, 'prelaunch');
    case 'paused':
    case 'postmigrate':
    case 'finish-migrate':
    case 'inmigrate':
    case 'save-vm':
    case 'restore-vm':
    case 'io-error':
    case 'internal-error':
      return 'paused';
    default:
      return 'running';
  }
}

/** QEMU's word for what the machine does. */
export async function askStatus({ host, places, title }: Machine): Promise<string> {
  return host.sessions.use({ path: places.spare, title }, async (qmp) => {
    return status.parse(await qmp.execute('query-status')).status;
  });
}

function stateWithoutProcess(places: Places, word?: 'prelaunch'): VmState {
  if (existsSync(places.suspended)) return 'suspended';
  if (existsSync(places.exit)) return 'stopped';
  if (word === 'prelaunch') return 'defined';
  return existsSync(places.events) ? 'stopped' : 'defined';
}

/** How a machine that has ended has ended; null if it was never started. */
export async function exitOf({ places }: Machine): Promise<VmExit | null> {
  if (existsSync(places.exit)) {
    const found = exitFields.safeParse(JSON.parse(readFileSync(places.exit, 'utf8')));
    if (found.success) return found.data;
    throw new KgetError('protocol', `Cannot read ${places.exit}: wanted how a machine ended`);
  }
  if (!existsSync(places.events)) return null;
  return exitByEvents(await readEvents(places.events), await lastWords(places));
}

/** How a machine ended, by what QEMU told before it ended. */
export function exitByEvents(events: readonly QmpEvent[], words: string): VmExit {
  const last = events.findLast(({ name }) => name === 'SHUTDOWN' || name === 'GUEST_PANICKED');
  if (last === undefined) {
    return { reason: 'killed', detail: words === '' ? 'its process is gone' : words };
  }
  if (last.name === 'GUEST_PANICKED') {
    return { reason: 'panicked', detail: "the guest's kernel has panicked" };
  }
  const { reason: told } = last.data;
  const reason = typeof told === 'string' ? told : 'unknown';
  if (last.data['guest'] === true) return { reason: 'guest', detail: reason };
  if (reason === 'host-qmp-quit') return { reason: 'stopped', detail: 'it was ended' };
  return { reason: 'killed', detail: `${reason}${words === '' ? '' : `: ${words}`}` };
}

/** What QEMU has told since it was started, of which it keeps a file. */
export async function readEvents(path: string): Promise<QmpEvent[]> {
  if (!existsSync(path)) return [];
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const length = Math.min(size, MAX_EVENT_BYTES);
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, size - length);
  const lines = buffer.toString('utf8', 0, bytesRead).split('\n').map(parseQmpLine);
  return lines.filter((line) => line?.kind === 'event');
}
