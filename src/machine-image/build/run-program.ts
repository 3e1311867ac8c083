import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Clock } from '../../base/clock.ts';
import { KgetError, systemCode } from '../../base/error.ts';

/** Characters that are kept of what a program says. */
const MAX_OUTPUT = 4 * 1024 ** 2;
/** Between asking a program to end and killing it: fakeroot has something to tidy up. */
const KILL_AFTER_MS = 3000;
/** The last ones of what it complains of, which are told. */
const MAX_COMPLAINT = 2000;

/** How builders run programs; `build` makes it of its options. */
export interface ProgramContext {
  /** At least PATH. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

export interface Program {
  /** What it is run for: `unpack busybox.deb`. */
  readonly purpose: string;
  readonly words: readonly [string, ...string[]];
  /** The Debian package that has it. */
  readonly package: string;
  readonly limitMs: number;
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * Runs a program to its end, and gives what it wrote to its standard output. It leads a process group
 * of its own, all of which ends when it is stopped.
 * @throws KgetError `usage` if it is not installed or fails, `no-room`, `timeout`, `cancelled`
 */
export async function runProgram(context: ProgramContext, program: Program): Promise<string> {
  const [command, ...words] = program.words;
  const refuse = `Cannot ${program.purpose}`;
  if (context.signal.aborted) throw new KgetError('cancelled', `${refuse}: stopped on request`);
  const child = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    cwd: program.directory,
    env: { ...context.environment, LC_ALL: 'C', ...program.environment },
  });
  let output = '';
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output = `${output}${text}`.slice(0, MAX_OUTPUT);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(-MAX_COMPLAINT);
  });
  const ended = new AbortController();
  const afterwards = async (delayMs: number, action: () => void): Promise<void> => {
    await context.clock.sleep(delayMs, ended.signal);
    if (!ended.signal.aborted) action();
  };
  const stop = (): void => {
    signalGroup(child.pid, 'SIGTERM');
    void afterwards(KILL_AFTER_MS, () => signalGroup(child.pid, 'SIGKILL'));
  };
  let tooLate = false;
  context.signal.addEventListener('abort', stop, { once: true });
  void afterwards(program.limitMs, () => {
    tooLate = true;
    stop();
  });
  let code: number | null;
  try {
    [code] = (await once(child, 'close')) as [number | null];
  } catch (cause) {
    const found = systemCode(cause) === 'ENOENT' ? 'it is not installed' : String(cause);
    const advice = `install it (Debian: ${program.package})`;
    throw new KgetError('usage', `${refuse}: cannot run ${command}: ${found}; ${advice}`, {
      cause,
    });
  } finally {
    ended.abort();
    context.signal.removeEventListener('abort', stop);
  }
  if (context.signal.aborted) throw new KgetError('cancelled', `${refuse}: stopped on request`);
  if (tooLate) {
    const limit = `${Math.round(program.limitMs / 1000)} s`;
    throw new KgetError('timeout', `${refuse}: ${command} did not end within ${limit}`);
  }
  if (code === 0) return output;
  const found = complaint.trim() || `it ended with ${code}`;
  const isFull = /no space left|could not allocate|disk quota exceeded/i.test(found);
  throw new KgetError(isFull ? 'no-room' : 'usage', `${refuse}: ${command}: ${found}`);
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}
