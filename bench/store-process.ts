import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenSeconds, watchMemory } from './stream/usage.ts';

/** A program with its arguments, and what its environment has besides ours. */
export interface Command {
  readonly argv: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a command, or several one after the other, took. */
export interface Cost {
  readonly seconds: number;
  /** User and system time of all processes. */
  readonly cpuSeconds: number;
  /** Sum over a command's processes of each one's peak resident memory; the most of all commands. */
  readonly peakBytes: number;
}

/** A command that takes longer is broken, and is killed with all its processes. */
export const COMMAND_MAX_MS = 30 * 60 * 1000;

/** How long a server may take until its socket is there. */
const SOCKET_MAX_MS = 60_000;
const SOCKET_LOOK_MS = 10;

/** How long a server may take to end when it is asked to. */
const END_MAX_MS = 10_000;

/** What is kept of what a command says, for the message when it fails. */
const OUTPUT_MAX_CHARACTERS = 4000;

/**
 * Runs commands one after the other, each in a process group of its own, and syncs the file system
 * of `syncDirectory`: what lies in memory only is not done yet.
 * @throws Error if one fails or takes longer than `COMMAND_MAX_MS`
 */
export async function costOf(commands: readonly Command[], syncDirectory: string): Promise<Cost> {
  const cpuBefore = childrenSeconds(process.pid);
  const startMs = performance.now();
  let peakBytes = 0;
  for (const command of commands) peakBytes = Math.max(peakBytes, await peakOf(command));
  execFileSync('sync', ['-f', syncDirectory]);
  return {
    seconds: (performance.now() - startMs) / 1000,
    cpuSeconds: childrenSeconds(process.pid) - cpuBefore,
    peakBytes,
  };
}

async function peakOf(command: Command): Promise<number> {
  const { child, said } = start(command);
  const memory = watchMemory(child.pid === undefined ? [] : [child.pid]);
  const limit = setTimeout(() => killGroup(child, 'SIGKILL'), COMMAND_MAX_MS);
  try {
    await once(child, 'close');
  } finally {
    clearTimeout(limit);
  }
  const peakBytes = memory.stop();
  if (child.exitCode !== 0) throw failure(command, child, said());
  return peakBytes;
}

/** A program that serves on a socket until it is stopped. */
export interface Server {
  /** Ends it; returns its peak memory in bytes, as in `Cost`. */
  stop(): Promise<number>;
}

/**
 * Starts a program, and waits until its socket is there.
 * @throws Error if it ends before, or after `SOCKET_MAX_MS`
 */
export async function startServer(command: Command, socket: string): Promise<Server> {
  const { child, said } = start(command);
  const memory = watchMemory(child.pid === undefined ? [] : [child.pid]);
  const untilMs = performance.now() + SOCKET_MAX_MS;
  while (!existsSync(socket)) {
    if (hasEnded(child) || performance.now() > untilMs) {
      memory.stop();
      killGroup(child, 'SIGKILL');
      throw failure(command, child, said());
    }
    await sleep(SOCKET_LOOK_MS);
  }
  return {
    stop: async () => {
      const peakBytes = memory.stop();
      if (hasEnded(child)) throw failure(command, child, said());
      const closed = once(child, 'close');
      killGroup(child, 'SIGTERM');
      const limit = setTimeout(() => killGroup(child, 'SIGKILL'), END_MAX_MS);
      await closed;
      clearTimeout(limit);
      return peakBytes;
    },
  };
}

interface Started {
  readonly child: ChildProcess;
  /** The end of what it has said so far. */
  said(): string;
}

function start({ argv, environment }: Command): Started {
  const [program, ...words] = argv;
  if (program === undefined) throw new Error('a command has one word at least');
  const child = spawn(program, words, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let text = '';
  const keep = (bytes: Buffer): void => {
    text = (text + bytes.toString()).slice(-OUTPUT_MAX_CHARACTERS);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  // A benchmark that is stopped leaves nothing running.
  const stop = (): void => killGroup(child, 'SIGKILL');
  process.once('exit', stop);
  child.once('close', () => process.off('exit', stop));
  return { child, said: () => text };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || hasEnded(child)) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended a moment ago.
  }
}

function failure({ argv }: Command, child: ChildProcess, said: string): Error {
  const how = child.signalCode ?? (child.exitCode === null ? 'too late' : `exit ${child.exitCode}`);
  return new Error(`${argv.join(' ')}: ${how}\n${said}`);
}
