import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeCounts, scaleScenario } from '../../../bench/scale/scenario.ts';
import {
  costHead,
  costLine,
  frontendsHead,
  frontendsLine,
  type ScaleRun,
} from '../../../bench/scale/table.ts';
import { timed, type Work } from '../../../bench/scale/timed.ts';

const RUN: ScaleRun = {
  nodes: 1024,
  frontends: 4,
  wallSeconds: 2,
  plannerSeconds: 1,
  events: 20_000,
  commands: 9000,
  peakBytes: 150e6,
  makespanSlots: 256,
  meanReleaseSlots: 5.5,
};

void test('`nodeCounts` goes on by 1, 2, 5 up to the most', () => {
  assert.deepEqual(nodeCounts(10_000), [1000, 2000, 5000, 10_000]);
  assert.deepEqual(nodeCounts(4999), [1000, 2000]);
  assert.deepEqual(nodeCounts(999), []);
});

void test('`scaleScenario` lets a node send to each frontend', () => {
  const { planner, frontends, nodes } = scaleScenario({ nodes: 10, frontends: 4 });
  assert.deepEqual([planner.senders, frontends, nodes.length], [4, 4, 10]);
});

void test('`costLine` divides by events and by the logarithm of nodes', () => {
  assert.equal(
    costLine(RUN),
    '| 1024 | 2.00 | 1.00 | 20000 | 9000 | 0.0500 | 100.0 | 10.00 | 150 |',
  );
});

void test('`frontendsLine` is in slots', () => {
  assert.equal(frontendsLine(RUN), '| 1024 | 4 | 256.00 | 5.50 |');
});

void test('each line has a cell for each of its head', () => {
  assert.equal(cells(costLine(RUN)), cells(costHead()));
  assert.equal(cells(frontendsLine(RUN)), cells(frontendsHead()));
});

void test('`timed` adds up what each decision takes', () => {
  const work: Work = { events: 0, commands: 0, milliseconds: 0 };
  let nowMs = 0;
  const release = { type: 'release', node: 'n' } as const;
  const planner = timed({ handle: () => [release], idle: () => true }, work, () => (nowMs += 3));
  planner.handle({ type: 'assembled' });
  planner.handle({ type: 'assembled' });
  assert.deepEqual(work, { events: 2, commands: 2, milliseconds: 6 });
  assert.equal(planner.idle(), true);
});

function cells(text: string): number {
  return (text.split('\n')[0] ?? '').split('|').length;
}
