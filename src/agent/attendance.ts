import type { Clock } from '../base/clock.ts';
import type { AgentChannel } from '../control/channel.ts';
import type { AgentMessage } from '../control/messages.ts';
import type { VisitChannel, VisitorMessage } from './attach-point.ts';
import { beginVisit, type Visit } from './visit.ts';

export interface AttendanceOptions {
  readonly clock: Clock;
  onMessage(visit: Visit, message: VisitorMessage): void;
  /** The coordinator is gone, and no other one has come while one was waited for. */
  onAlone(): void;
}

/** Which coordinators an agent hears, and which one it works for: the last that asked it to. */
export interface Attendance {
  /** Listens to a coordinator. */
  receive(channel: AgentChannel | VisitChannel): Visit;
  /** Works for this one from now on; the visit of the one before ends. */
  attend(visit: Visit): void;
  isAttended(visit: Visit): boolean;
  /** Sets how long another coordinator is waited for when this one is gone; 0 until then. */
  waitForNext(limitMs: number): void;
  /** Says something to the one it works for, if it is there. */
  say(message: AgentMessage): void;
  /** Ends all visits when all that was said has gone out. */
  end(): void;
}

export function createAttendance(options: AttendanceOptions): Attendance {
  const { clock, onMessage, onAlone } = options;
  const visits = new Set<Visit>();
  let attended: Visit | undefined;
  let limitMs = 0;
  /** Aborted when somebody has come, or nobody is waited for any more. */
  let waiting = new AbortController();

  function onOver(visit: Visit): void {
    visits.delete(visit);
    if (visit === attended) void awaitNext();
  }

  async function awaitNext(): Promise<void> {
    const own = new AbortController();
    waiting = own;
    if (limitMs > 0) await clock.sleep(limitMs, own.signal);
    if (!own.signal.aborted) onAlone();
  }

  return {
    receive(channel) {
      const visit = beginVisit({ channel, clock, onMessage, onOver });
      visits.add(visit);
      return visit;
    },
    attend(visit) {
      const before = attended;
      attended = visit;
      waiting.abort();
      if (before !== visit) before?.end();
    },
    isAttended: (visit) => visit === attended,
    waitForNext(newLimitMs) {
      limitMs = newLimitMs;
    },
    say: (message) => attended?.send(message),
    end() {
      attended = undefined;
      waiting.abort();
      for (const visit of visits) visit.end();
    },
  };
}
