import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import * as fc from 'fast-check';
import { ALIVE_WAITS, HEADER_BYTES } from '../../src/transfer/frame.ts';
import { senderWatch } from '../../src/transfer/sender-watch.ts';
import { watchdog } from '../../src/transfer/watchdog.ts';

const LIMIT_MS = 1600;

void test('`watchdog` calls after 15/16 of the limit at least and all of it at most', () => {
  // None of them is later than the limit after the one before.
  const moments = fc.array(fc.integer({ min: 1, max: 1400 }), { maxLength: 4 }).map((steps) => {
    let sum = 0;
    return steps.map((step) => (sum += step));
  });
  fc.assert(fc.property(moments, checkCall), { numRuns: 50 });
});

void test('`watchdog` does not call when the process was held up and the peer was not', async () => {
  let called = 0;
  const { heard, stop } = watchdog(64, () => {
    called += 1;
  });
  // Longer than the limit; what has come meanwhile is read after the timers have had their turn.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  await new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
  heard();
  stop();
  assert.equal(called, 0);
});

void test('`senderWatch` takes parts of frames for what they turn out to be', () => {
  const stalls: string[] = [];
  const watch = startWatch(() => true, stalls);
  for (let round = 0; round < 40; round += 1) {
    // ALIVE frames that come in two pieces never bring anything forward.
    watch.took(HEADER_BYTES / 2, () => {});
    mock.timers.tick(LIMIT_MS / 32);
    watch.took(HEADER_BYTES / 2, () => watch.alive(0));
    mock.timers.tick(LIMIT_MS / 32);
  }
  mock.timers.reset();
  assert.deepEqual(stalls, ['idle']);
});

void test('`senderWatch` is content with signs of life when nothing is owed, or the sender waits', () => {
  for (const [isOwed, position] of [
    [false, 0],
    [true, ALIVE_WAITS],
  ] as const) {
    const stalls: string[] = [];
    const watch = startWatch(() => isOwed, stalls);
    for (let round = 0; round < 20; round += 1) {
      watch.took(HEADER_BYTES, () => watch.alive(position));
      mock.timers.tick(LIMIT_MS / 2);
    }
    assert.deepEqual(stalls, []);
    mock.timers.tick(2 * LIMIT_MS);
    mock.timers.reset();
    assert.equal(stalls.length, 1, 'but not with nothing at all');
  }
});

function startWatch(isOwed: () => boolean, stalls: string[]) {
  mock.timers.enable({ apis: ['setInterval'] });
  return senderWatch({ limitMs: LIMIT_MS, isOwed, onStall: (how) => stalls.push(how) });
}

/** The peer is heard at these moments only. */
function checkCall(heardAtMs: readonly number[]): void {
  mock.timers.enable({ apis: ['setInterval'] });
  let nowMs = 0;
  let calledMs: number | undefined;
  const { heard, stop } = watchdog(LIMIT_MS, () => {
    calledMs = nowMs;
  });
  const lastMs = Math.max(0, ...heardAtMs);
  for (; nowMs < lastMs + 3 * LIMIT_MS; nowMs += 1) {
    if (heardAtMs.includes(nowMs)) heard();
    mock.timers.tick(1);
  }
  stop();
  mock.timers.reset();
  assert.ok(calledMs !== undefined, 'it calls');
  const tookMs = calledMs + 1 - lastMs;
  assert.ok(tookMs <= LIMIT_MS && tookMs >= LIMIT_MS * (15 / 16), `${tookMs} ms`);
}
