import { assert } from '../src/base/assert.ts';

/**
 * The least of the values that `share` (0 to 1) of them do not exceed: 0.5 is the (lower) median, 1
 * the greatest.
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)];
  assert(value !== undefined, 'a quantile is that of one value at least');
  return value;
}
