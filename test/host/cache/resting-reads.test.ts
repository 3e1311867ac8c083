import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../../src/base/clock.ts';
import { restingReads } from '../../../src/host/cache/resting-reads.ts';

/** Time that passes when told; waits end when they are over. */
function virtualClock(): Clock & { pass(durationMs: number): Promise<void> } {
  let nowMs = 0;
  const sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    sleep: (durationMs) =>
      new Promise((wake) => {
        sleepers.push({ atMs: nowMs + durationMs, wake });
      }),
    async pass(durationMs) {
      nowMs += durationMs;
      for (const { atMs, wake } of sleepers) if (atMs <= nowMs) wake();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    },
  };
}

void test('`take` rests once it had to wait for bytes, and not while there are some', async () => {
  const clock = virtualClock();
  const reads = restingReads(clock);
  await clock.pass(3);
  const rest = reads.take(16_384);
  assert.ok(rest, 'it waited for these');
  assert.equal(reads.take(16_384), undefined, 'these had come with them');
  await clock.pass(6);
  await rest;
  assert.equal(reads.take(16_384), undefined, 'these came during the rest');
  await clock.pass(1);
  assert.ok(reads.take(16_384), 'it waited again');
});

void test('`take` never rests for signs of life: who sends only these is idle', async () => {
  const clock = virtualClock();
  const reads = restingReads(clock);
  await clock.pass(5000);
  assert.equal(reads.take(9), undefined);
});

void test('`take` does not rest while the link is fast, and does when it is slow again', async () => {
  const clock = virtualClock();
  const reads = restingReads(clock);
  for (let round = 0; round < 110; round += 1) {
    await clock.pass(1);
    void reads.take(20_000);
  }
  await clock.pass(1);
  assert.equal(reads.take(20_000), undefined);
  for (let round = 0; round < 30; round += 1) {
    await clock.pass(10);
    void reads.take(5000);
  }
  await clock.pass(10);
  assert.ok(reads.take(5000));
});
