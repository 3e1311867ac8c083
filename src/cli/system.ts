import { randomBytes } from 'node:crypto';
import type { Clock, Entropy } from '../base/clock.ts';

/** The machine's monotonic clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  sleep: (durationMs, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, durationMs);
      signal?.addEventListener('abort', finish, { once: true });
    }),
};

/** The system's source of randomness. */
export const systemEntropy: Entropy = {
  hex: (count) => randomBytes(count).toString('hex'),
};
