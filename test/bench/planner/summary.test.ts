import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Compared, Measured } from '../../../bench/planner/measure.ts';
import { summaryLine } from '../../../bench/planner/summary.ts';
import { head, line } from '../../../bench/planner/table.ts';

void test('`summaryLine` counts the rows that meet all aims', () => {
  const text = summaryLine([measured([1, 1, 1]), measured([1, 1.2, 1.1]), measured([1.02, 1, 2])]);
  assert.equal(
    text,
    '3 rows: makespan median 1.000, worst 1.020, 2 up to 1.01; ' +
      'mean release median 1.000, worst 1.200, 2 up to 1.10; ' +
      '80 % released median 1.100, worst 2.000, 2 up to 1.15; 1 meet all aims; ' +
      'the median mean release is within 1.05.',
  );
});

void test('`summaryLine` has deadlines when a row has', () => {
  const text = summaryLine([measured([1, 1.06, 1], 3), measured([1, 1.06, 1])]);
  assert.match(text, /with a deadline median 3\.000, worst 3\.000/);
  assert.match(text, /is not within 1\.05/);
});

void test('`line` has a cell for each of the head', () => {
  const columns = head().split('\n')[0]?.split('|').length;
  for (const row of [measured([1, 1, 1]), measured([1, 1, 1], 2)]) {
    assert.equal(line(row).split('|').length, columns);
  }
});

void test('`line` marks what is far from its bound', () => {
  assert.equal(
    line(measured([1.02, 1.1, 1.2], 1)),
    '| row | 4 | 1.02 | **1.020** | 1.10 | 1.100 | 1.20 | **1.200** | 1.00 | 1.000 |',
  );
});

function measured([makespan, mean, t80]: [number, number, number], urgent?: number): Measured {
  return {
    name: 'row',
    nodes: 4,
    makespan: compared(makespan),
    mean: compared(mean),
    t80: compared(t80),
    urgent: urgent === undefined ? undefined : compared(urgent),
  };
}

function compared(ratio: number): Compared {
  return { seconds: ratio, boundSeconds: 1, ratio };
}
