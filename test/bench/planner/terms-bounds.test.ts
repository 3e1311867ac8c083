import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { boundsOf, type Bounds } from '../../../bench/planner/bounds.ts';
import { fluidCluster } from '../../../bench/planner/fluid-cluster.ts';
import { mostReleased } from '../../../bench/planner/release-count.ts';
import { scenarioOf } from '../../../bench/planner/scenarios.ts';
import { loadSolver } from '../../../bench/planner/solver.ts';
import type { Terms } from '../../../bench/planner/terms.ts';
import { urgentReleaseBound } from '../../../bench/planner/urgent-bound.ts';
import type { Scenario, SimulatedNode } from '../../../src/simulator/scenario.ts';
import { assertNear } from './below-runs.ts';

const highs = await loadSolver();

/** Fine enough where images are equal. */
const EXACT = 24;

void suite('families', () => {
  for (const [count, slots] of [
    [1, 7.3],
    [4, 10],
  ] as const) {
    void test(`the makespan has the common part of each once when families are ${count}`, () => {
      const families = { count, share: 0.9, order: 'mixed' } as const;
      const { makespanSeconds, t80Seconds } = bounds({ nodes: 64, families });
      assertNear(makespanSeconds, slots);
      assertNear(t80Seconds, 0.4);
    });
  }

  void test('the common part is the longest one when parts differ', () => {
    const { nodes, ...rest } = scenarioOf({ nodes: 2 });
    const shared = nodes.map((node, place) => withShared(node, place === 0 ? 0.5 : 0.25));
    assertNear(boundsOf(highs, { ...rest, nodes: shared }, EXACT).makespanSeconds, 1.75);
  });

  void test('only the last release waits when images have nothing of their own', () => {
    const families = { count: 1, share: 1, order: 'in order' } as const;
    const { makespanSeconds, meanReleaseSeconds } = bounds({ nodes: 4, families });
    assertNear(makespanSeconds, 1);
    assert.equal(meanReleaseSeconds.toFixed(4), '0.2500');
  });
});

void suite('weights', () => {
  void test('the heavier of two nodes goes first', () => {
    const { nodes, ...rest } = scenarioOf({ nodes: 2 });
    const weighed = nodes.map((node, place) => withWeight(node, place === 0 ? 1 : 3));
    assertNear(boundsOf(highs, { ...rest, nodes: weighed }, EXACT).meanReleaseSeconds, 1.25);
  });

  void test('the mean is as without weights when all weigh the same', () => {
    const weights = { every: 1, weight: 7 };
    const [weighed, plain] = [bounds({ nodes: 16, weights }), bounds({ nodes: 16 })];
    assertNear(weighed.meanReleaseSeconds, plain.meanReleaseSeconds);
  });
});

void suite('copies', () => {
  void test('`mostReleased` is t·(n + 2) / (t + 2) from two slots on when two must have each image', () => {
    const cluster = fluidCluster(scenarioOf({ nodes: 64, copies: 2 }));
    assert.ok(cluster !== undefined);
    const released = [0.99, 1, 1.99, 2, 6, 63.99, 64].map((at) => mostReleased(highs, cluster, at));
    assert.deepEqual(released, [0, 1, 1, 33, 49, 63, 64]);
  });

  void test('the mean is between that of one copy and twice as much when there are two', () => {
    const [one, two] = [bounds({ nodes: 16 }), bounds({ nodes: 16, copies: 2 })];
    assert.ok(two.meanReleaseSeconds > 1.1 * one.meanReleaseSeconds);
    assert.ok(two.meanReleaseSeconds < 2 * one.meanReleaseSeconds);
    assertNear(two.makespanSeconds, one.makespanSeconds);
  });

  void test('two copies are serial copying when there is only one other node', () => {
    assertNear(bounds({ nodes: 2, copies: 2 }).meanReleaseSeconds, 1.5);
  });
});

void test('the makespan is divided by the number of frontends', () => {
  const scenario = { ...scenarioOf({ nodes: 64 }), frontends: 4 };
  assertNear(boundsOf(highs, scenario, EXACT).makespanSeconds, 16);
});

void suite('`urgentReleaseBound`', () => {
  for (const [title, urgent, terms, slots] of [
    ['one slot when there are enough others', 2, { nodes: 6 }, 1],
    ['two when one other and the frontend take three images', 3, { nodes: 4 }, 2],
    ['three when the other has no room', 3, { nodes: 4, room: 0 }, 3],
    ['the makespan when all are urgent', 5, { nodes: 5 }, 5],
    [
      'three when six images are kept by the frontend or twice by two others',
      6,
      { nodes: 8, copies: 2 },
      3,
    ],
    ['what its own link takes when it is slow', 1, { nodes: 2, slow: { every: 2, rate: 0.1 } }, 10],
  ] as const) {
    void test(`is ${title}`, () => {
      assertNear(urgentReleaseBound(withUrgent(scenarioOf(terms), urgent)) ?? 0, slots);
    });
  }

  void test('is undefined when no node has a deadline', () => {
    assert.equal(urgentReleaseBound(scenarioOf({ nodes: 4 })), undefined);
  });
});

function bounds(terms: Terms): Bounds {
  return boundsOf(highs, scenarioOf(terms), EXACT);
}

function withUrgent(scenario: Scenario, count: number): Scenario {
  const nodes = scenario.nodes.map((node, place) =>
    place < count ? Object.assign({}, node, { deadline: 0 }) : node,
  );
  return { ...scenario, nodes };
}

function withWeight(node: SimulatedNode, weight: number): SimulatedNode {
  return { ...node, weight };
}

function withShared(node: SimulatedNode, share: number): SimulatedNode {
  const images = node.images.map((image) =>
    Object.assign({}, image, { family: { id: 'f', sharedBytes: image.bytes * share } }),
  );
  return { ...node, images };
}
