import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { earliest } from '../../../bench/planner/earliest.ts';

void test('`earliest` is just before the moment, however wrong the guess is', () => {
  const seconds = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
  fc.assert(
    fc.property(seconds, seconds, (moment, likely) => {
      const found = earliest((at) => at >= moment, likely);
      assert.ok(found < moment);
      assert.ok(moment - found <= 1e-6 * Math.max(moment, likely));
    }),
  );
});

void test('`earliest` throws when it is never possible', () => {
  assert.throws(() => earliest(() => false, 1), /possible some time/);
});
