import type { Clock } from '../base/clock.ts';
import type { AgentOutlet, Channel } from '../control/channel.ts';
import type { AgentMessage } from '../control/messages.ts';
import type { VisitorMessage } from './attach-point.ts';
import { SILENCE_LIMIT_MS, SILENCE_LOOKS } from './limits.ts';

/** A coordinator's time with an agent: directly, or through another agent that passes on. */
export interface Visit extends AgentOutlet {
  /** Sets how long the coordinator may be silent; `SILENCE_LIMIT_MS` until then. */
  allowSilence(limitMs: number): void;
  /** Ends the visit when all that was said has gone out. Idempotent. */
  end(): void;
}

export interface VisitOptions {
  readonly channel: Channel<AgentMessage, VisitorMessage>;
  readonly clock: Clock;
  onMessage(visit: Visit, message: VisitorMessage): void;
  /**
   * Called once: the channel has ended, or the coordinator has said nothing for longer than it may.
   */
  onOver(visit: Visit): void;
}

/** Listens to a coordinator until its channel ends, or it falls silent. */
export function beginVisit({ channel, clock, onMessage, onOver }: VisitOptions): Visit {
  const over = new AbortController();
  let quietLooks = 0;
  let limitMs = SILENCE_LIMIT_MS;
  const visit: Visit = {
    send(message) {
      if (!over.signal.aborted) channel.send(message);
    },
    allowSilence(newLimitMs) {
      limitMs = newLimitMs;
    },
    end() {
      channel.close();
      finish();
    },
  };

  function finish(): void {
    if (over.signal.aborted) return;
    over.abort();
    onOver(visit);
  }

  async function watch(): Promise<void> {
    while (!over.signal.aborted) {
      await clock.sleep(limitMs / SILENCE_LOOKS, over.signal);
      quietLooks += 1;
      if (quietLooks >= SILENCE_LOOKS) visit.end();
    }
  }

  channel.onEnd(finish);
  channel.onMessage((message) => {
    quietLooks = 0;
    if (!over.signal.aborted) onMessage(visit, message);
  });
  void watch();
  return visit;
}
