import type { FoundVm } from '../../control/host-calls.ts';
import type { JobOutcome } from '../record/job-record.ts';
import { parseGuestEvent, TIME_LIMIT_STATUS } from '../../guest/protocol.ts';

/** How far a machine has come with its part of a job. */
export type VmProgress =
  | { readonly phase: 'booting' | 'running' | 'collecting' }
  | { readonly phase: 'ended'; readonly outcome: JobOutcome; readonly outputBytes: number | null };

export interface JudgeOptions {
  /** Since the machine was started, or its guest was seen to go on after a pause. */
  readonly sinceStartMs: number;
  /** Since its command was seen to run; 0 if it does not. */
  readonly sinceCommandMs: number;
  readonly bootLimitMs: number;
  /** Of the command; the guest keeps to it by itself, and is not trusted to. */
  readonly timeLimitMs: number | null;
}

/** The guest stops its command at the limit; a hung one is given so much more. */
const TIME_LIMIT_GRACE_MS = 30_000;

/** What a machine's state and the words of its job runner mean. Pure. */
export function judgeVm(found: FoundVm, options: JudgeOptions): VmProgress {
  const events = found.events.flatMap((line) => parseGuestEvent(line) ?? []);
  const exit = events.find((event) => event.kind === 'exit');
  const outputs = events.find((event) => event.kind === 'outputs');
  const outputBytes = outputs?.archiveBytes ?? null;
  const fault = events.find((event) => event.kind === 'failed');
  const isDone = events.some((event) => event.kind === 'done');
  const ended = (outcome: JobOutcome): VmProgress => ({ phase: 'ended', outcome, outputBytes });
  const failed = (reason: FailureReason, detail: string): VmProgress =>
    ended({ kind: 'failed', reason, detail });

  if (isDone && exit !== undefined) return ended({ kind: 'exit', status: exit.status });
  if (fault !== undefined) return failed('runner', fault.reason);
  if (found.state === 'panicked') return failed('panicked', 'the kernel of the guest panicked');
  if (found.state === 'stopped') {
    const detail = found.exit?.detail ?? '';
    const reason = found.exit?.reason === 'killed' ? 'killed' : 'ended';
    return failed(reason, detail === '' ? 'the machine ended before its command did' : detail);
  }
  if (found.state === 'defined') return failed('not-created', 'it was made, and never started');
  // Its command began anew: what it has done before, and why it ended, nobody knows.
  const boots = events.filter((event) => event.kind === 'ready').length;
  if (boots > 1) return failed('ended', 'the guest has rebooted before its command ended');
  if (isDone) return failed('runner', 'the job runner ended without an exit status');
  if (exit !== undefined) return { phase: 'collecting' };
  const isCounted = found.state === 'running';
  if (events.some((event) => event.kind === 'started')) {
    const { timeLimitMs, sinceCommandMs } = options;
    const isLate = timeLimitMs !== null && sinceCommandMs > timeLimitMs + TIME_LIMIT_GRACE_MS;
    if (!isLate || !isCounted) return { phase: 'running' };
    return failed('time-limit', `still running ${sinceCommandMs / 1000} s after its start`);
  }
  const { sinceStartMs, bootLimitMs } = options;
  if (!isCounted || sinceStartMs <= bootLimitMs) return { phase: 'booting' };
  return failed('never-booted', `its command did not start within ${bootLimitMs / 1000} s`);
}

type FailureReason = Extract<JobOutcome, { kind: 'failed' }>['reason'];

/** Whether a machine did what the job wanted. */
export function hasSucceeded(outcome: JobOutcome): boolean {
  return outcome.kind === 'exit' && outcome.status === 0;
}

/** An outcome in a few words: `exit 0`, `time limit`, `panicked`. */
export function outcomeText(outcome: JobOutcome): string {
  if (outcome.kind === 'failed') return outcome.reason.replaceAll('-', ' ');
  return outcome.status === TIME_LIMIT_STATUS
    ? `exit ${outcome.status} (time limit)`
    : `exit ${outcome.status}`;
}
