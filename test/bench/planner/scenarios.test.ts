import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logNormalSizes } from '../../../bench/planner/log-normal.ts';
import { rows } from '../../../bench/planner/rows.ts';
import { scenarioOf } from '../../../bench/planner/scenarios.ts';

void test('`rows` names each scenario once', () => {
  const names = rows().map(({ name, nodes }) => `${name}, n=${nodes}`);
  assert.equal(new Set(names).size, names.length);
});

void test('`rows` has as many nodes as it says', () => {
  for (const { nodes, scenario } of rows()) assert.equal(scenario.nodes.length, nodes);
});

void test('`scenarioOf` puts as many nodes into each rack, in order or mixed', () => {
  for (const order of ['in order', 'mixed'] as const) {
    const { nodes } = scenarioOf({ nodes: 16, racks: { nodes: 8, order } });
    const racks = Map.groupBy(nodes, ({ rack }) => rack);
    assert.deepEqual(
      [...racks.values()].map((members) => members.length),
      [8, 8],
    );
    assert.equal(nodes[0]?.rack === nodes[1]?.rack, order === 'in order');
  }
});

void test('`scenarioOf` lets just enough nodes send', () => {
  const senders = [0.5, 1, 3.5].map((frontend) => scenarioOf({ nodes: 8, frontend }));
  assert.deepEqual(
    senders.map(({ planner }) => planner.senders),
    [1, 1, 4],
  );
});

void test('`scenarioOf` lets two nodes send when each fills half of the frontend', () => {
  const { planner, nodes } = scenarioOf({ nodes: 4, links: { up: 0.5, down: 1 } });
  assert.equal(planner.senders, 2);
  assert.deepEqual(
    nodes.map(({ upBytesPerSecond, downBytesPerSecond }) => downBytesPerSecond / upBytesPerSecond),
    [2, 2, 2, 2],
  );
});

void test('`scenarioOf` puts images of a family into a block, or takes families in turn', () => {
  assert.deepEqual(familiesOf('in order'), ['family 1', 'family 1', 'family 2', 'family 2']);
  assert.deepEqual(familiesOf('mixed'), ['family 1', 'family 2', 'family 1', 'family 2']);
});

void test('`scenarioOf` gives deadlines, weights and slow disks to one of so many nodes', () => {
  const { nodes } = scenarioOf({
    nodes: 5,
    deadlines: { every: 3 },
    weights: { every: 4, weight: 4 },
    disks: { every: 2, rate: 0.5 },
  });
  assert.deepEqual(
    nodes.map(({ deadline }) => deadline),
    [0, undefined, undefined, 0, undefined],
  );
  assert.deepEqual(
    nodes.map(({ weight }) => weight),
    [4, undefined, undefined, undefined, 4],
  );
  assert.deepEqual(
    nodes.map(({ diskReadBytesPerSecond }) => diskReadBytesPerSecond),
    [500_000, undefined, 500_000, undefined, 500_000],
  );
});

void test('`logNormalSizes` has a mean of one, a spread of sigma, and is the same again', () => {
  const sizes = logNormalSizes(4096, 0.5);
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  const logarithms = sizes.map((size) => Math.log(size));
  const middle = logarithms.reduce((sum, value) => sum + value, 0) / sizes.length;
  const squares = logarithms.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  assert.ok(Math.abs(mean - 1) < 1e-9);
  assert.ok(Math.abs(Math.sqrt(squares / sizes.length) - 0.5) < 0.02);
  assert.deepEqual(logNormalSizes(4096, 0.5), sizes);
});

function familiesOf(order: 'in order' | 'mixed'): (string | undefined)[] {
  const { nodes } = scenarioOf({ nodes: 4, families: { count: 2, share: 0.9, order } });
  return nodes.flatMap(({ images }) => images.map(({ family }) => family?.id));
}
