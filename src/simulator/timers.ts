import { assert } from '../base/assert.ts';

/** Virtual time and what is to happen in it. */
export interface Timers {
  /**
   * Runs `action` at a moment that is not past; at one moment the first that was set comes first.
   */
  at(seconds: number, action: () => void): void;
  /** The moment of the next action; infinity if there is none. */
  nextSeconds(): number;
  /** Removes and returns the next action. */
  take(): () => void;
}

/** Timers without any action yet; few are pending at once, so a sorted list will do. */
export function createTimers(): Timers {
  const pending: { readonly seconds: number; readonly action: () => void }[] = [];
  return {
    at(seconds, action): void {
      const place = pending.findLastIndex((timer) => timer.seconds <= seconds) + 1;
      pending.splice(place, 0, { seconds, action });
    },
    nextSeconds(): number {
      return pending[0]?.seconds ?? Infinity;
    },
    take(): () => void {
      const timer = pending.shift();
      assert(timer !== undefined, 'a timer is pending');
      return timer.action;
    },
  };
}
