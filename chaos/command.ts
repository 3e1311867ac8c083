import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { outputOf } from '../lab/gather.ts';
import type { Lab } from '../lab/lab.ts';
import { processesOf, signalAll } from './field.ts';

/** The command of this checkout. */
const COMMAND = join(import.meta.dirname, '../bin/kgetplus.cjs');

/** Under way on the frontend. */
export interface RunningCommand {
  /** `performance.now()` when it began. */
  readonly begunMs: number;
  readonly ended: Promise<CommandEnd>;
}

/** How a command went. */
export interface CommandEnd {
  readonly words: readonly string[];
  /** Null if it was ended by a signal. */
  readonly exitCode: number | null;
  readonly begunAtMs: number;
  readonly seconds: number;
  /** It ran for too long, and was killed. */
  readonly late: boolean;
  readonly stderr: string;
  /** As they were when it had ended; undefined where there is none. */
  readonly report: string | undefined;
  readonly journal: string | undefined;
}

/** Starts `kgetplus` on the frontend; what it says goes to a file. */
export function startCommand(
  lab: Lab,
  words: readonly string[],
  options: { readonly log: string; readonly limitSeconds: number },
): RunningCommand {
  const begunMs = performance.now();
  const argv = [process.execPath, COMMAND, ...words];
  const child = lab.exec(lab.frontend, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  return { begunMs, ended: end(lab, child, { words, begunMs, ...options }) };
}

async function end(
  lab: Lab,
  child: ChildProcess,
  run: {
    readonly words: readonly string[];
    readonly begunMs: number;
    readonly log: string;
    readonly limitSeconds: number;
  },
): Promise<CommandEnd> {
  const begunAtMs = Date.now();
  const log = createWriteStream(run.log);
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    signalAll(processesOf(lab.frontend, 'coordinator'), 'SIGKILL');
    child.kill('SIGKILL');
  }, run.limitSeconds * 1000);
  // Not `close`: what a killed command leaves behind may hold its pipes.
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  const seconds = (performance.now() - run.begunMs) / 1000;
  clearTimeout(timer);
  await new Promise((resolve) => {
    child.stdout?.unpipe(log);
    child.stderr?.unpipe(log);
    log.end(resolve);
  });
  const own = join(outputOf(lab), '.kgetplus');
  return {
    words: run.words,
    exitCode,
    begunAtMs,
    seconds,
    late,
    stderr: textOf(run.log) ?? '',
    report: textOf(join(own, 'report.json')),
    journal: textOf(join(own, 'journal.jsonl')),
  };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
