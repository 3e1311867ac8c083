import type { Clock } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';
import type { Qmp } from './qmp.ts';

/** Asked again after that, even if QEMU has told of nothing. */
const ASK_INTERVAL_MS = 250;

export interface ConditionTerms {
  readonly clock: Clock;
  readonly limitMs: number;
  /** What is waited for, for errors. */
  readonly what: string;
  readonly signal?: AbortSignal;
}

/**
 * Asks again and again, after each event of QEMU's, until there is an answer that is not undefined.
 * @throws KgetError `timeout`; `cancelled` if `signal` is aborted, or the machine has ended
 */
export async function untilAnswered<Answer>(
  qmp: Qmp,
  ask: () => Promise<Answer | undefined>,
  { clock, limitMs, what, signal }: ConditionTerms,
): Promise<Answer> {
  const limit = clock.nowMs() + limitMs;
  for (;;) {
    const told = new AbortController();
    const wake = (): void => told.abort();
    const forget = qmp.onEvent(wake);
    qmp.ended.addEventListener('abort', wake);
    signal?.addEventListener('abort', wake);
    try {
      if (signal?.aborted === true) {
        throw new KgetError('cancelled', `Stopped waiting for ${what} on request`);
      }
      const answer = await ask();
      if (answer !== undefined) return answer;
      const left = limit - clock.nowMs();
      if (left <= 0) {
        throw new KgetError('timeout', `Gave up waiting for ${what} after ${limitMs / 1000} s`);
      }
      await clock.sleep(Math.min(left, ASK_INTERVAL_MS), told.signal);
    } finally {
      forget();
      qmp.ended.removeEventListener('abort', wake);
      signal?.removeEventListener('abort', wake);
    }
  }
}
