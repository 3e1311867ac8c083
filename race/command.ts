import type { ChildProcess } from 'node:child_process';
import { killProcesses } from '../lab/processes.ts';
import type { Lab } from '../lab/lab.ts';
import type { HeatRecord } from './record.ts';
import type { ProcessGroup } from './use.ts';

/** How much of a command's complaint is kept. */
const COMPLAINT_CHARACTERS = 2000;

export interface CommandOptions {
  readonly lab: Lab;
  /** What its processes belong to. */
  readonly group: ProcessGroup;
  /** It is killed when it takes longer. */
  readonly limitSeconds: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** How a command went. */
type Ended = Pick<HeatRecord, 'exitCode' | 'complaint' | 'seconds'>;

/** Runs a shell command on the frontend to its end. */
export async function runCommand(command: string, options: CommandOptions): Promise<Ended> {
  const { lab, group, limitSeconds, signal } = options;
  // It waits for a line, so that all that it starts belongs to the group.
  const argv = ['sh', '-c', 'read -r go; exec sh -c "$1" </dev/null', 'sh', command];
  const child = lab.exec(lab.frontend, argv, { stdio: ['pipe', 'ignore', 'pipe'] });
  group.join(child.pid === undefined ? [] : [child.pid]);
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-COMPLAINT_CHARACTERS);
  });
  let killing = Promise.resolve();
  const kill = (): void => {
    killing = killCommand(lab);
  };
  const limit = setTimeout(() => {
    complaint += `\nstopped after ${limitSeconds.toFixed(0)} s`;
    kill();
  }, limitSeconds * 1000);
  signal.addEventListener('abort', kill);
  const startMs = performance.now();
  child.stdin?.end('go\n');
  const exitCode = await exitOf(child);
  const seconds = (performance.now() - startMs) / 1000;
  clearTimeout(limit);
  signal.removeEventListener('abort', kill);
  // Until then whatever starts on the frontend is killed too.
  await killing;
  return { exitCode, complaint: complaint.trim(), seconds };
}

async function killCommand(lab: Lab): Promise<void> {
  await killProcesses([lab.frontend.namespace], (name) => !name.startsWith('sshd'));
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject).on('close', resolve);
  return promise;
}
