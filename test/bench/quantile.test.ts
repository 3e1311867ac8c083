import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantile } from '../../bench/quantile.ts';

for (const [values, share, expected] of [
  [[3, 1, 2], 0.5, 2],
  [[4, 3, 2, 1], 0.5, 2],
  [[4, 3, 2, 1], 1, 4],
  [[4, 3, 2, 1], 0, 1],
  [Array.from({ length: 10 }, (_, place) => place + 1), 0.9, 9],
  [[7], 0.9, 7],
] as const) {
  void test(`\`quantile\` ${share} of ${values.join(', ')} is ${expected}`, () => {
    assert.equal(quantile(values, share), expected);
  });
}

void test('`quantile` throws when there is no value', () => {
  assert.throws(() => quantile([], 0.5), /one value at least/);
});
