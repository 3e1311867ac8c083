import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Inputs that a process is given at a time. */
const SHARE_INPUTS = 2000;

/** After so many findings a target gets no more inputs. */
const MAX_FINDINGS = 10;

/** How long a process may take until it has begun. */
const START_MS = 60_000;

/** What is kept of what a process said before it ended. */
const MAX_COMPLAINT_LENGTH = 2000;

/** Consecutive inputs of one target. */
export interface Share {
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
}

interface Finding {
  readonly number: number;
  readonly what: string;
}

/** What became of a share: how often each outcome was, and what should never happen. */
export interface ShareResult {
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

export interface CrewOptions {
  /** Path of a module that exports `targets`. */
  readonly targetsFile: string;
  readonly processes: number;
  /** How long a process may stay with one input. */
  readonly stallMs: number;
}

/** Tries `inputs` on some processes, however these end. */
export async function tryInputs(inputs: Share, options: CrewOptions): Promise<ShareResult> {
  const counts: Record<string, number> = {};
  const findings: Finding[] = [];
  const shares = sharesOf(inputs);

  async function serve(): Promise<void> {
    let worker = startWorker(options);
    try {
      for (let share = shares.shift(); share !== undefined; share = shares.shift()) {
        const { result, rest } = await worker.work(share);
        for (const [as, count] of Object.entries(result.counts)) {
          counts[as] = (counts[as] ?? 0) + count;
        }
        findings.push(...result.findings);
        if (findings.length >= MAX_FINDINGS) shares.length = 0;
        if (rest === undefined) continue;
        if (rest.count > 0 && findings.length < MAX_FINDINGS) shares.unshift(rest);
        await worker.stop();
        worker = startWorker(options);
      }
    } finally {
      await worker.stop();
    }
  }

  await Promise.all(Array.from({ length: options.processes }, serve));
  return { counts, findings: findings.toSorted((one, other) => one.number - other.number) };
}

function sharesOf(inputs: Share): Share[] {
  const shares: Share[] = [];
  for (let done = 0; done < inputs.count; done += SHARE_INPUTS) {
    const count = Math.min(SHARE_INPUTS, inputs.count - done);
    shares.push({ ...inputs, from: inputs.from + done, count });
  }
  return shares;
}

/** The result of a share; with what is left of it if the process did not get through. */
interface Worked {
  readonly result: ShareResult;
  readonly rest?: Share;
}

interface Worker {
  work(share: Share): Promise<Worked>;
  stop(): Promise<void>;
}

function startWorker(options: CrewOptions): Worker {
  const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const directory = mkdtempSync(join(parent, 'kgetplus-fuzz-'));
  const worker = fork(join(import.meta.dirname, 'worker.ts'), [options.targetsFile, directory], {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    execArgv: [],
  });
  const ended = once(worker, 'exit');
  const underWay = () => readMark(directory);
  return {
    async work(share) {
      const result = await answerOf(worker, share, { stallMs: options.stallMs, underWay });
      if (typeof result !== 'string') return { result };
      const end = share.from + share.count;
      const mark = Number(underWay());
      const number = mark >= share.from && mark < end ? mark : share.from;
      const rest = { ...share, from: number + 1, count: end - number - 1 };
      return { result: { counts: {}, findings: [{ number, what: result }] }, rest };
    },
    async stop() {
      worker.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The number of the input that a worker is at; empty if it has not begun. */
function readMark(directory: string): string {
  try {
    return readFileSync(join(directory, 'under-way'), 'utf8').trim();
  } catch {
    return '';
  }
}

interface Watch {
  readonly stallMs: number;
  readonly underWay: () => string;
}

/** What a worker answers to a share, or how it ended without an answer. */
function answerOf(
  worker: ChildProcess,
  share: Share,
  { stallMs, underWay }: Watch,
): Promise<ShareResult | string> {
  const { promise, resolve } = Promise.withResolvers<ShareResult | string>();
  let complaint = '';
  let last: string | undefined;
  let stalledMs = 0;
  const timer = setInterval(() => {
    const now = underWay();
    stalledMs = now === last ? stalledMs + stallMs : 0;
    last = now;
    const mostMs = now === '' ? Math.max(START_MS, stallMs) : stallMs;
    if (stalledMs >= mostMs) resolve(`it took more than ${mostMs} ms`);
  }, stallMs);
  const onComplaint = (text: Buffer) => {
    complaint = (complaint + text.toString()).slice(-MAX_COMPLAINT_LENGTH);
  };
  const onClose = (code: number | null, signal: string | null) => {
    resolve(`the process ended with ${signal ?? String(code)}: ${complaint}`);
  };
  worker.stderr?.on('data', onComplaint);
  worker.once('close', onClose);
  worker.once('message', resolve);
  worker.send(share, (error) => {
    if (error !== null) resolve(`the process had ended: ${error.message}`);
  });
  return promise.finally(() => {
    clearInterval(timer);
    worker.stderr?.off('data', onComplaint);
    worker.off('close', onClose);
    worker.off('message', resolve);
  });
}
