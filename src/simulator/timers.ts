import { assert } from '../base/assert.ts';
import { createEventQueue } from './event-queue.ts';

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

/** Timers without any action yet. */
export function createTimers(): Timers {
  const pending = createEventQueue<() => void>();
  return {
    at(seconds, action): void {
      pending.add(seconds, action);
    },
    nextSeconds(): number {
      return pending.first()?.seconds ?? Infinity;
    },
    take(): () => void {
      const timer = pending.first();
      assert(timer !== undefined, 'a timer is pending');
      pending.remove(timer);
      return timer.item;
    },
  };
}
