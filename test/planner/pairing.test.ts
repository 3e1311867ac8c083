import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrived, numbers, plannerWith, present, rackOf, ways } from './telling.ts';

// The frontend pulls from `first` while the others are paired.
const FIRST = present('first', { sizes: [50], deadline: 0 });

void test('`handle` drains the least loaded node onto the most loaded', () => {
  const planner = plannerWith();
  ways(planner, ...FIRST, ...present('b', { sizes: [60] }), ...present('c', { sizes: [30] }));
  const others = [...present('d', { sizes: [70] }), ...present('e', { sizes: [10] })];
  assert.deepEqual(ways(planner, ...others, { type: 'assembled' }), []);
});
