import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Clock } from '../../src/base/clock.ts';
import { rateLimit, unlimited } from '../../src/transfer/rate-limit.ts';

/** A clock that jumps to the end of every sleep. */
function jumpingClock(): Clock & { advance(durationMs: number): void } {
  let now = 1000;
  return {
    nowMs: () => now,
    sleep: (durationMs) => {
      now += durationMs;
      return Promise.resolve();
    },
    advance: (durationMs) => {
      now += durationMs;
    },
  };
}

void test('`rateLimit` lets no more pass than the rate and one burst when used in any way', async () => {
  const steps = fc.array(fc.record({ bytes: fc.nat(100_000), pauseMs: fc.nat(300) }));
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const clock = jumpingClock();
      const limit = rateLimit({ bytesPerSecond: 1_000_000, clock });
      let passed = 0;
      for (const { bytes, pauseMs } of taken) {
        clock.advance(pauseMs);
        await limit.take(bytes);
        // Whoever passes owes nothing: what passed before was within the rate.
        assert.ok(passed <= (clock.nowMs() - 1000) * 1000 + 50_000 + 1);
        passed += bytes;
      }
    }),
  );
});

void test('`rateLimit` passes at once when there is credit', () => {
  const clock = jumpingClock();
  const limit = rateLimit({ bytesPerSecond: 1_000_000, clock });
  assert.equal(limit.take(40_000), undefined);
  assert.equal(limit.take(1_000_000), undefined);
  assert.notEqual(limit.take(1), undefined);
  clock.advance(2000);
  assert.equal(limit.take(1), undefined);
});

void test('`unlimited` passes everything at once', () => {
  assert.equal(unlimited.take(2 ** 40), undefined);
});
