import type { Clock } from '../base/clock.ts';
import { KgetError } from '../base/error.ts';
import { aborted } from './aborted.ts';
import type { AttachPoint, Hold, Holding, VisitChannel } from './attach-point.ts';
import { meet, type Meeting } from './meeting.ts';

/** How long an agent that works in a directory may take to answer, or to make way for another one. */
export const CLAIM_LIMIT_MS = 10_000;

/** How often a directory that somebody has is asked for. */
const CLAIM_INTERVAL_MS = 100;

export interface ClaimOptions {
  readonly attach: AttachPoint;
  readonly clock: Clock;
  readonly directory: string;
  /**
   * What the agent that holds the directory must have in common with this one to go on in its
   * place; undefined if none may.
   */
  readonly own: Likeness | undefined;
  onVisit(channel: VisitChannel): void;
}

type Likeness = Pick<Holding, 'build' | 'runId' | 'chunkSizeBytes'>;

/** Who works in a directory from now on. */
export type Claim =
  | { readonly worker: 'this'; readonly hold: Hold }
  /** An agent of the same run that is still here: it is to be spoken to. */
  | { readonly worker: 'other'; readonly meeting: Meeting };

/**
 * Takes a spool or target for this agent, or finds the agent that works in it and may go on. Any
 * other is told to make way, and waited for.
 * @throws KgetError `locked` if it does not within `CLAIM_LIMIT_MS`; the operating system's error if
 * the directory cannot be made
 */
export async function claimDirectory(options: ClaimOptions): Promise<Claim> {
  const { attach, clock, directory, own } = options;
  const late = new AbortController();
  void clock.sleep(CLAIM_LIMIT_MS, late.signal).then(() => late.abort());
  try {
    for (;;) {
      const channel = await attach.reach(directory);
      const meeting = channel && (await meet(channel, late.signal));
      if (meeting !== undefined && own !== undefined && isAlike(meeting.holding, own)) {
        return { worker: 'other', meeting };
      }
      if (meeting !== undefined) await makeWay(meeting, late.signal);
      const attempt = await attach.hold(directory, options.onVisit);
      if (attempt.state === 'held') return { worker: 'this', hold: attempt.hold };
      if (late.signal.aborted) throw unanswered(directory, attempt.processId);
      await clock.sleep(CLAIM_INTERVAL_MS, late.signal);
    }
  } finally {
    late.abort();
  }
}

function isAlike(left: Likeness, right: Likeness): boolean {
  return (
    left.build === right.build &&
    left.runId === right.runId &&
    left.chunkSizeBytes === right.chunkSizeBytes
  );
}

/** Tells an agent to leave the spool, and waits until it ends the visit, which it does last. */
async function makeWay(meeting: Meeting, signal: AbortSignal): Promise<void> {
  meeting.tell({ type: 'make-way' });
  await aborted(meeting.over, signal);
  meeting.close();
}

function unanswered(directory: string, processId: number): KgetError {
  return new KgetError(
    'locked',
    `Cannot work in ${directory}: the agent of an earlier run, process ${processId}, has it and has ` +
      `not answered or not left within ${CLAIM_LIMIT_MS / 1000} s; end it on that host with ` +
      `"kill -9 ${processId}", then run the same command again`,
  );
}
