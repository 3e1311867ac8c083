import type { Clock } from '../../src/base/clock.ts';

/** What follows from a file that was read may take a few turns to begin with the next. */
const IDLE_TURNS = 3;

/** Names of what Node.js waits for, while files are read and written. */
const BUSY = /^(FSReq|CloseReq)/;

interface Sleeper {
  readonly dueMs: number;
  wake(): void;
}

/**
 * Time that passes when nothing else is left to happen, not even to files: then whoever sleeps least
 * long wakes. `pass` holds the process up: time passes, and nobody wakes meanwhile.
 */
export function busyClock(): Clock & { pass(durationMs: number): void } {
  const sleepers = new Set<Sleeper>();
  let nowMs = 0;
  let isDue = false;
  let idleTurns = 0;

  function stepWhenIdle(): void {
    if (isDue || sleepers.size === 0) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      idleTurns = isBusy() ? 0 : idleTurns + 1;
      if (idleTurns < IDLE_TURNS) return stepWhenIdle();
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

function isBusy(): boolean {
  return process.getActiveResourcesInfo().some((name) => BUSY.test(name));
}
