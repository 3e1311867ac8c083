import type { Clock } from '../../base/clock.ts';
import type { RateLimit } from '../../transfer/transfer.ts';

/** How long a receiver rests: at 100 Mbit/s 75 kB come meanwhile, which the system keeps for it. */
const REST_MS = 6;

/** A receiver that had to wait so long for bytes has taken all that there were. */
const WAITED_MS = 0.5;

/** From this rate on there is no rest: about 100 Mbit/s. */
const BUSY_BYTES_PER_MS = 12_500;

/** How long the rate is measured. */
const WINDOW_MS = 100;

/** Signs of life are no reason to rest: whether a sender is idle must not depend on it. */
const MIN_BYTES = 1024;

/**
 * Has a receiver look for bytes at intervals while its link is slow. Else every packet wakes the
 * process: hosts of machines have better things to do. It rests only when it has taken all that
 * came, so a fast sender is never held up.
 */
export function restingReads(clock: Clock): RateLimit {
  let windowStartMs = clock.nowMs();
  let windowBytes = 0;
  let isBusy = false;
  let isResting = false;
  /** When bytes were taken last, or a rest ended. */
  let readyMs = clock.nowMs();

  async function rest(): Promise<void> {
    isResting = true;
    await clock.sleep(REST_MS);
    isResting = false;
    readyMs = clock.nowMs();
  }
  return {
    take(bytes) {
      const nowMs = clock.nowMs();
      windowBytes += bytes;
      const elapsedMs = nowMs - windowStartMs;
      if (elapsedMs >= WINDOW_MS) {
        isBusy = windowBytes / elapsedMs >= BUSY_BYTES_PER_MS;
        windowStartMs = nowMs;
        windowBytes = 0;
      }
      const hasWaited = nowMs - readyMs >= WAITED_MS;
      readyMs = nowMs;
      if (isBusy || isResting || !hasWaited || bytes < MIN_BYTES) return undefined;
      return rest();
    },
  };
}
