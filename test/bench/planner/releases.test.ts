import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastRelease, meanRelease } from '../../../bench/planner/releases.ts';
import { scenarioOf } from '../../../bench/planner/scenarios.ts';
import { simulate } from '../../../src/simulator/simulate.ts';

const scenario = scenarioOf({ nodes: 2 });
const outcome = simulate(scenario);
const released = [
  { node: 'n2', seconds: 1 },
  { node: 'n1', seconds: 2 },
];

void test('`meanRelease` counts each node by its weight', () => {
  const nodes = scenario.nodes.map((node, place) =>
    place === 0 ? Object.assign({}, node, { weight: 3 }) : node,
  );
  assert.equal(meanRelease(scenario.nodes, { ...outcome, released }), 1.5);
  assert.equal(meanRelease(nodes, { ...outcome, released }), 1.75);
});

void test('`lastRelease` is that of the nodes that are asked for', () => {
  assert.equal(lastRelease(scenario.nodes, { ...outcome, released }), 2);
  assert.equal(lastRelease(scenario.nodes.slice(1), { ...outcome, released }), 1);
});

void test('a release that did not happen is never', () => {
  const some = { ...outcome, released: released.slice(1) };
  assert.equal(meanRelease(scenario.nodes, some), Infinity);
  assert.equal(lastRelease(scenario.nodes, some), Infinity);
});
