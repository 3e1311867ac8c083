import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { unreachable } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Failure } from '../base/error.ts';
import { excerpt } from './message-lines.ts';

/** How long a process may take to end by itself once its input has ended. */
export const EXIT_GRACE_MS = 5000;

/** How long a process may take to end after SIGTERM, before SIGKILL, and then after that. */
export const TERMINATE_GRACE_MS = 2000;

/**
 * How long the last words of a process that has ended are waited for: others may hold the pipe
 * open.
 */
const LAST_WORDS_GRACE_MS = 500;

/** How much of the end of standard error is kept. */
export const MAX_LAST_WORDS_BYTES = 8 * 1024;

const MAX_QUOTED_CHARACTERS = 400;

/** How a process ended. */
export type ProcessEnd =
  | { readonly how: 'exit'; readonly code: number }
  | { readonly how: 'signal'; readonly signal: string; /** We sent it. */ readonly ours: boolean }
  | { readonly how: 'not-started'; readonly error: Error };

/** A child process that is, or leads to, an agent. */
export interface AgentProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when the process has ended, and with it its output on standard error. */
  readonly ended: Promise<ProcessEnd>;
  /** The end of what it wrote to standard error so far. */
  lastWords(): string;
  /**
   * Ends its input, then, if need be, the process: SIGTERM after `graceMs` (`EXIT_GRACE_MS` if not
   * given), SIGKILL later. Resolves when it has ended; what counts is the first call.
   */
  stop(graceMs?: number): Promise<ProcessEnd>;
}

/** Watches over a process from the moment it was spawned. */
export function agentProcess(child: ChildProcessWithoutNullStreams, clock: Clock): AgentProcess {
  const errorOutput = tailOf(child);
  let signalled = false;
  let stopped: Promise<ProcessEnd> | undefined;

  const gone = new Promise<ProcessEnd>((resolve) => {
    child.on('error', (error) => {
      if (child.pid === undefined) resolve({ how: 'not-started', error });
    });
    child.on('exit', (code, signal) => {
      if (signal === null) resolve({ how: 'exit', code: code ?? 0 });
      else resolve({ how: 'signal', signal, ours: signalled });
    });
  });
  const ended = gone.then(async (end) => {
    await within(errorOutput.complete, { clock, limitMs: LAST_WORDS_GRACE_MS });
    return end;
  });
  // Whoever sends to a process that is gone finds out by its end, not by an exception.
  child.stdin.on('error', () => {});

  async function stopByForce(graceMs: number): Promise<ProcessEnd> {
    child.stdin.end();
    if (await within(gone, { clock, limitMs: graceMs })) return ended;
    signalled = true;
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      child.kill(signal);
      if (await within(gone, { clock, limitMs: TERMINATE_GRACE_MS })) return ended;
    }
    return { how: 'signal', signal: 'SIGKILL', ours: true };
  }

  return {
    child,
    ended,
    lastWords: errorOutput.text,
    stop(graceMs = EXIT_GRACE_MS) {
      stopped ??= stopByForce(graceMs);
      return stopped;
    },
  };
}

/** What the end of a process means once its agent was running; undefined when it was orderly. */
export function failureOf(
  end: ProcessEnd,
  facts: { node: string; words: string },
): Failure | undefined {
  if (end.how === 'exit' && end.code === 0) return undefined;
  if (end.how === 'signal' && end.ours) return undefined;
  const message = `The agent on ${facts.node} went away: ${describeEnd(end)}${quoted(facts.words)}`;
  return { code: 'disconnected', message };
}

/** `its process ended with exit code 3`, for messages. */
export function describeEnd(end: ProcessEnd): string {
  switch (end.how) {
    case 'exit':
      return `its process ended with exit code ${end.code}`;
    case 'signal':
      return `its process was ended by ${end.signal}`;
    case 'not-started':
      return `its process could not be started: ${end.error.message}`;
    default:
      return unreachable(end);
  }
}

/** The end of a process's last words as a clause, or nothing when it said nothing. */
export function quoted(words: string): string {
  const text = excerpt(words.trim().slice(-MAX_QUOTED_CHARACTERS), MAX_QUOTED_CHARACTERS);
  return text === '' ? '' : `; its last words: "${text}"`;
}

function tailOf(child: ChildProcessWithoutNullStreams) {
  let tail: Buffer = Buffer.alloc(0);
  child.stderr.on('data', (bytes: Buffer) => {
    tail = Buffer.concat([tail, bytes]).subarray(-MAX_LAST_WORDS_BYTES);
  });
  const complete = new Promise<void>((resolve) => {
    child.stderr.on('close', resolve);
    child.stderr.on('error', () => resolve());
  });
  return { text: () => tail.toString('utf8'), complete };
}

/** Whether `event` happens within the limit. */
async function within(
  event: Promise<unknown>,
  { clock, limitMs }: { clock: Clock; limitMs: number },
): Promise<boolean> {
  const waiting = new AbortController();
  try {
    return await Promise.race([
      event.then(() => true),
      clock.sleep(limitMs, waiting.signal).then(() => false),
    ]);
  } finally {
    waiting.abort();
  }
}
