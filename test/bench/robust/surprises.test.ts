import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { scenarioOf } from '../../../bench/planner/scenarios.ts';
import { compare } from '../../../bench/robust/compare.ts';
import { SURPRISES, type Pair } from '../../../bench/robust/surprises.ts';
import { head, line } from '../../../bench/robust/table.ts';

const calm = scenarioOf({ nodes: 8, sigma: 0.5 });

void suite('each surprise', () => {
  for (const surprise of SURPRISES) {
    void test(`is the same again with the same seed: ${surprise.name}`, () => {
      const scenarios = [1, 1, 2].map((seed) => surprise.pairOf(calm, seed).surprised.scenario);
      assert.deepEqual(scenarios[0], scenarios[1]);
      assert.notDeepEqual(scenarios[0], scenarios[2]);
    });

    void test(`leaves no image behind: ${surprise.name}`, () => {
      for (const { mean, makespan } of compare(surprise, calm, 5)) {
        assert.ok(mean > 0 && mean < 10);
        assert.ok(makespan > 0 && makespan < 10);
      }
    });
  }
});

void test('links differ by half at most, and only one planner is told', () => {
  const { surprised, informed } = pairOf('links ±50 %');
  for (const [place, node] of surprised.scenario.nodes.entries()) {
    const nominal = calm.nodes[place];
    assert.ok(nominal !== undefined);
    const { upBytesPerSecond, downBytesPerSecond } = nominal;
    assert.deepEqual(node.promised, { upBytesPerSecond, downBytesPerSecond });
    assert.ok(Math.abs(node.upBytesPerSecond / upBytesPerSecond - 1) <= 0.5);
    assert.notEqual(node.upBytesPerSecond, node.downBytesPerSecond);
    assert.equal(informed.scenario.nodes[place]?.promised, undefined);
    assert.equal(informed.scenario.nodes[place]?.upBytesPerSecond, node.upBytesPerSecond);
  }
  const { frontendBytesPerSecond, planner } = surprised.scenario;
  assert.equal(planner.frontendBytesPerSecond, calm.frontendBytesPerSecond);
  assert.notEqual(frontendBytesPerSecond, calm.frontendBytesPerSecond);
  assert.equal(informed.scenario.frontendBytesPerSecond, frontendBytesPerSecond);
});

void test('late nodes count from when they join', () => {
  const surprise = SURPRISES.find(({ name }) => name.includes('join'));
  assert.ok(surprise !== undefined);
  const [ratios] = compare(surprise, scenarioOf({ nodes: 1 }), 1);
  assert.ok(ratios !== undefined);
  assert.ok(Math.abs(ratios.mean - 1) < 1e-6);
  assert.ok(ratios.makespan > 1);
});

void test('about one transfer in fifty fails', () => {
  const { faults } = pairOf('2 % of transfers fail', 400).surprised.scenario;
  assert.ok(Math.abs(faults.length / (400 * 20) - 0.02) < 0.005);
});

void test('`line` has a cell for each of the head, and marks a median that is too high', () => {
  const row = line({ name: 'row', ratios: [{ seed: 1, mean: 1.2, makespan: 1 }] });
  assert.equal(row, '| row | **1.200** | 1.200 | 1.200 | 1.000 | 1.000 | 1.000 |');
  assert.equal(row.split('|').length, head().split('\n')[0]?.split('|').length);
});

function pairOf(name: string, nodes?: number): Pair {
  const surprise = SURPRISES.find((one) => one.name === name);
  assert.ok(surprise !== undefined);
  return surprise.pairOf(nodes === undefined ? calm : scenarioOf({ nodes }), 1);
}
