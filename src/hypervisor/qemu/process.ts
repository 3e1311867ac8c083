import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { KgetError } from '../../base/error.ts';
import { confirmPrivate } from '../../content/private-directory.ts';
import { qemuArguments } from './arguments.ts';
import type { Machine } from './machine.ts';
import type { Places } from './places.ts';

const LAUNCH_LIMIT_MS = 30_000;
const LOOK_INTERVAL_MS = 20;
const KILL_LIMIT_MS = 10_000;
const MAX_LAST_WORDS = 2000;

/**
 * The process of a machine, if it runs. Ids are used again; but nobody else's command line has the
 * path of this file in it. A process that has ended, and was not waited for, has none.
 */
export function processOf({ pid: path }: Places): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim());
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.includes(path) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** The end of what QEMU has said on standard error. */
export async function lastWords({ errors }: Places): Promise<string> {
  if (!existsSync(errors)) return '';
  await using file = await open(errors, 'r');
  const { size } = await stat(errors);
  const buffer = Buffer.alloc(Math.min(size, MAX_LAST_WORDS));
  await file.read(buffer, 0, buffer.length, size - buffer.length);
  return buffer.toString('utf8').trim();
}

/**
 * Starts QEMU for a machine, in a session of its own, and waits until its monitor can be reached;
 * its processors stand still. If this throws, no process is left.
 * @throws KgetError `internal` with what QEMU says, `no-room` if there is no memory, `timeout`
 */
export async function launch(machine: Machine, from: 'start' | 'incoming'): Promise<void> {
  const { host, places, record } = machine;
  const { arch } = record.spec;
  const accelerator = await host.programs.accelerator(arch);
  const words = qemuArguments({ record, places, accelerator, from });
  makeSockets(places);
  for (const path of [places.pid, places.control, places.spare, places.events]) {
    rmSync(path, { force: true });
  }
  const errors = openSync(places.errors, 'w', 0o600);
  const child = spawn(host.programs.system(arch), words, {
    detached: true,
    cwd: places.directory,
    stdio: ['ignore', errors, errors],
  });
  closeSync(errors);
  const end: { found?: string } = {};
  child.once('exit', (code, signal) => {
    end.found ??= `it ended with ${signal ?? code}`;
  });
  child.once('error', (error) => {
    end.found ??= error.message;
  });
  const limit = host.clock.nowMs() + LAUNCH_LIMIT_MS;
  while (end.found === undefined && host.clock.nowMs() < limit) {
    if (await answers(machine)) {
      child.unref();
      return;
    }
    await host.clock.sleep(LOOK_INTERVAL_MS);
  }
  const found = end.found ?? `it did not answer within ${LAUNCH_LIMIT_MS / 1000} s`;
  await reap(child, () => end.found !== undefined, machine);
  throw await launchFailure(machine, found);
}

async function answers({ host, places, title }: Machine): Promise<boolean> {
  if (!existsSync(places.control) || processOf(places) === undefined) return false;
  const where = { path: places.control, title };
  return host.sessions
    .use(where, async (qmp) => {
      await qmp.execute('query-status');
      return true;
    })
    .catch(() => false);
}

async function launchFailure(machine: Machine, found: string): Promise<KgetError> {
  const words = await lastWords(machine.places);
  const isRoom = /Cannot allocate memory|No space left/.test(words);
  return new KgetError(
    isRoom ? 'no-room' : 'internal',
    `Cannot start QEMU for ${machine.title}: ${found}${words === '' ? '' : `: ${words}`}`,
  );
}

async function reap(child: ChildProcess, hasEnded: () => boolean, machine: Machine): Promise<void> {
  child.kill('SIGKILL');
  const { clock } = machine.host;
  const limit = clock.nowMs() + KILL_LIMIT_MS;
  while (!hasEnded() && clock.nowMs() < limit) await clock.sleep(LOOK_INTERVAL_MS);
  rmSync(machine.places.pid, { force: true });
}

/** A directory in /tmp has a name that others can guess: it must be ours. */
function makeSockets({ sockets, directory }: Places): void {
  if (sockets === directory) return;
  mkdirSync(sockets, { recursive: true, mode: 0o700 });
  confirmPrivate(sockets);
}

/** Resolves with whether the process of a machine has ended within `limitMs`. */
export async function awaitEnd({ host, places }: Machine, limitMs: number): Promise<boolean> {
  const limit = host.clock.nowMs() + limitMs;
  while (processOf(places) !== undefined) {
    if (host.clock.nowMs() >= limit) return false;
    await host.clock.sleep(LOOK_INTERVAL_MS);
  }
  return true;
}

/** @throws KgetError `timeout` if the kernel does not end it */
export async function killProcess(machine: Machine): Promise<void> {
  const pid = processOf(machine.places);
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
  if (await awaitEnd(machine, KILL_LIMIT_MS)) return;
  throw new KgetError('timeout', `Cannot end ${machine.title}: process ${pid} does not go away`);
}
