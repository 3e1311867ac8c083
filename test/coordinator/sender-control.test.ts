import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  adjustSenders,
  INITIAL_SENDERS,
  type SenderControl,
} from '../../src/coordinator/sender-control.ts';

/** A link of `capacity` behind nodes that each send at most `perNode`. */
function settle(capacity: number, perNode: number): SenderControl {
  let control = INITIAL_SENDERS;
  for (let interval = 0; interval < 50; interval += 1) {
    const senders = control.allowed;
    const bytesPerSecond = Math.min(capacity, senders * perNode);
    control = adjustSenders(control, { bytesPerSecond, senders });
  }
  return control;
}

void suite('adjustSenders', () => {
  void test('`adjustSenders` stays at one sender when one fills the link', () => {
    assert.equal(settle(100, 100).allowed, 1);
    assert.equal(settle(100, 1000).allowed, 1);
  });

  void test('`adjustSenders` adds senders as long as the total grows', () => {
    assert.equal(settle(1000, 250).allowed, 4);
    assert.equal(settle(1000, 100).allowed, 10);
  });

  void test('`adjustSenders` never allows more than its maximum', () => {
    assert.equal(settle(1e9, 1).allowed, 16);
  });

  void test('`adjustSenders` does not judge an interval in which senders were missing', () => {
    const control = { allowed: 3, bestBytesPerSecond: 200, settled: false };
    assert.deepEqual(adjustSenders(control, { bytesPerSecond: 10, senders: 2 }), control);
  });
});
