import type { Clock } from '../../src/base/clock.ts';

export type IdleClock = Clock & { pass(durationMs: number): void };

interface Sleeper {
  readonly dueMs: number;
  wake(): void;
}

/**
 * Time that passes when nothing else is left to happen: then whoever sleeps least long wakes. What
 * happens in microtasks, agents in memory, say, takes none. `pass` holds the process up: time passes,
 * and nobody wakes meanwhile. `isIdle` is asked each turn whether there is nothing else, either.
 */
export function idleClock(isIdle: () => boolean = () => true): IdleClock {
  const sleepers = new Set<Sleeper>();
  let nowMs = 0;
  let isDue = false;

  function stepWhenIdle(): void {
    if (isDue || sleepers.size === 0) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      if (!isIdle()) return stepWhenIdle();
      const [next] = [...sleepers].toSorted((one, other) => one.dueMs - other.dueMs);
      if (next === undefined) return;
      nowMs = Math.max(nowMs, next.dueMs);
      next.wake();
      stepWhenIdle();
    });
  }

  return {
    nowMs: () => nowMs,
    sleep: (durationMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = { dueMs: nowMs + durationMs, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake);
        stepWhenIdle();
      }),
    pass(durationMs) {
      nowMs += durationMs;
    },
  };
}
