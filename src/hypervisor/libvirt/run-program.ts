import { spawn } from 'node:child_process';
import type { Clock } from '../../base/clock.ts';

/** Characters of what a program says that are kept; it is ended when it says more. */
const MAX_OUTPUT_CHARACTERS = 16 * 2 ** 20;

export interface ProgramTerms {
  readonly clock: Clock;
  /** It is killed after that. */
  readonly limitMs: number;
}

/** How a program ended. `missing`: there is no such program. */
export type ProgramEnd =
  | { readonly kind: 'done'; readonly output: string }
  | { readonly kind: 'failed'; readonly complaint: string }
  | { readonly kind: 'late' }
  | { readonly kind: 'missing' };

/** env(1)'s: the program was not found. */
const NOT_FOUND_STATUS = 127;

/**
 * Runs a program to its end, with English messages and no input. Never rejects, and nothing of it
 * runs on when it resolves.
 */
export async function runProgram(
  program: string,
  words: readonly string[],
  { clock, limitMs }: ProgramTerms,
): Promise<ProgramEnd> {
  // Through env(1), as nothing here may know the environment that the child gets otherwise.
  const child = spawn('env', ['LC_ALL=C', program, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let complaint = '';
  let late = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length > MAX_OUTPUT_CHARACTERS) child.kill('SIGKILL');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(0, MAX_OUTPUT_CHARACTERS);
  });
  const over = new AbortController();
  const ended = new Promise<number | string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (status, signal) => resolve(status ?? signal ?? 'it ended'));
  });
  const endLate = async (): Promise<void> => {
    await clock.sleep(limitMs, over.signal);
    if (over.signal.aborted) return;
    late = true;
    child.kill('SIGKILL');
    // What it has started may hold them open.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  void endLate();
  const status = await ended;
  over.abort();
  if (status === 0) return { kind: 'done', output };
  if (late) return { kind: 'late' };
  if (status === NOT_FOUND_STATUS) return { kind: 'missing' };
  return { kind: 'failed', complaint: complaint.trim() || `it ended with ${status}` };
}
