import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/base/clock.ts';

/** For tests whose real processes set the pace: limits are real, and not meant to be reached. */
export const realClock: Clock = {
  nowMs: () => performance.now(),
  sleep: (durationMs, signal) =>
    delay(durationMs, undefined, { ref: false, ...(signal !== undefined && { signal }) }).catch(
      () => {},
    ),
};

/** Time that passes when told: every wait of that length that is under way, or about to be. */
export function steppedClock(): Clock & { pass(durationMs: number): void } {
  const passed = new Set<number>();
  const sleepers = new Map<() => void, number>();
  return {
    nowMs: () => 0,
    sleep: (durationMs, signal) =>
      new Promise((resolve) => {
        if (passed.has(durationMs)) resolve();
        sleepers.set(resolve, durationMs);
        signal?.addEventListener('abort', () => resolve());
      }),
    pass(durationMs) {
      passed.add(durationMs);
      for (const [wake, length] of sleepers) if (length === durationMs) wake();
    },
  };
}
