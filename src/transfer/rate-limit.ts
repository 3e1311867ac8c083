import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { RateLimit } from './transfer.ts';

/** How much may pass at once after a pause, as time at the full rate. */
const BURST_MS = 50;

export interface RateLimitOptions {
  readonly bytesPerSecond: number;
  readonly clock: Clock;
  /** Ends all waits: what waited passes at once. */
  readonly signal?: AbortSignal;
}

/** Lets everything pass. */
export const unlimited: RateLimit = { take: () => undefined };

/**
 * A token bucket that may be overdrawn: whoever finds it in credit passes with any number of bytes,
 * and the next ones wait until the debt is paid. So one limit serves any size of frame, shared by
 * any number of connections in the order in which they came.
 */
export function rateLimit(options: RateLimitOptions): RateLimit {
  const { clock, signal } = options;
  const bytesPerMs = options.bytesPerSecond / 1000;
  assert(bytesPerMs > 0, 'a rate limit is above 0');
  /** When the bucket is in balance again; in the past if there is credit. */
  let paidAtMs = clock.nowMs() - BURST_MS;

  function take(bytes: number): Promise<void> | undefined {
    const nowMs = clock.nowMs();
    const startMs = Math.max(paidAtMs, nowMs - BURST_MS);
    paidAtMs = startMs + bytes / bytesPerMs;
    return startMs > nowMs ? clock.sleep(startMs - nowMs, signal) : undefined;
  }

  return { take };
}
