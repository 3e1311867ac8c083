import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { leastRate, measuredRate } from '../../src/coordinator/transfer-rate.ts';

/** 1000 bytes in 2 seconds, of an image that needs 1000. */
const CALM = { startSeconds: 10, endSeconds: 12, wireBytes: 1000, afterScan: true };
const IMAGE = { neededBytes: 1000 };

void suite('measuredRate', () => {
  void test('`measuredRate` is what crossed the network divided by the time it took', () => {
    assert.equal(measuredRate(CALM, IMAGE), 500);
    assert.equal(measuredRate({ ...CALM, wireBytes: 500, endSeconds: 11 }, IMAGE), 500);
  });

  for (const [what, change] of [
    ['the transfer took less than a second', { endSeconds: 10.99 }],
    ['less than half of the image crossed the network', { wireBytes: 499 }],
    ['the image was still being hashed', { afterScan: false }],
    ['the transfer goes on', { endSeconds: null }],
  ] as const) {
    void test(`\`measuredRate\` is undefined when ${what}`, () => {
      assert.equal(measuredRate({ ...CALM, ...change }, IMAGE), undefined);
    });
  }

  void test('`measuredRate` is undefined when nothing had to cross the network', () => {
    assert.equal(measuredRate({ ...CALM, wireBytes: 0 }, { neededBytes: 0 }), undefined);
  });
});

void test('`leastRate` is the least of those that are known', () => {
  assert.equal(leastRate(null, 3, 2), 2);
  assert.equal(leastRate(null, null), null);
});
