import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  allAtOnceCurve,
  releaseTimes,
  serialCurve,
  type ReleaseCurve,
  type ReleaseTimes,
  type Workload,
} from '../../../src/planner/bound.ts';
import { runStrategy, type StrategyRun } from '../../../src/simulator/strategies/run-strategy.ts';
import { STRATEGIES } from '../../../src/simulator/strategies/strategies.ts';
import type { Scenario } from '../../../src/simulator/scenario.ts';
import { calmClusters, equalCluster, SLOT_BYTES } from '../clusters.ts';

// One slot (τ) is one second.

const RUNS = { seed: 2009, numRuns: 200 };

/** Rounding in virtual time. */
const SLACK_SECONDS = 1e-6;

/** 64 equal images and links: the mean release, and when half, 80 % and all nodes are released. */
const FIGURES_OF_64 = {
  kgetplus: [5.125, 1, 7, 64],
  'kgetplus target:80%': [5.796875, 3, 4, 64],
  'all-at-once': [64, 64, 64, 64],
  serial: [32.5, 32, 52, 64],
  kaget: [46.1875, 60, 60, 64],
  'keepers:sqrt': [8, 4, 6, 64],
  'keepers:fifth': [8.875, 3, 4, 64],
} as const;

for (const [name, [mean, t50, t80, t100]] of Object.entries(FIGURES_OF_64)) {
  void test(`\`${name}\` has a mean of ${mean} slots when 64 images are equal`, () => {
    const { curve, outcome } = run(name, equalCluster(64));
    const times = releaseTimes(curve);
    assertNear(times.meanReleaseSeconds, mean);
    assertNear(times.t50Seconds, t50);
    assertNear(times.t80Seconds, t80);
    assertNear(times.t100Seconds, t100);
    assertNear(outcome.makespanSeconds, 64);
  });
}

void test('`STRATEGIES` are those of which the figures are known', () => {
  assert.deepEqual(
    STRATEGIES.map(({ name }) => name),
    Object.keys(FIGURES_OF_64),
  );
});

for (const count of [1, 2, 7, 64]) {
  void test(`\`serial\` releases one of ${count} nodes per slot when images are equal`, () => {
    const { points } = run('serial', equalCluster(count)).curve;
    for (const [place, { seconds }] of points.entries()) assertNear(seconds, place + 1);
  });

  void test(`\`all-at-once\` releases all ${count} nodes at the end when images are equal`, () => {
    const { points } = run('all-at-once', equalCluster(count)).curve;
    for (const { seconds } of points) assertNear(seconds, count);
  });
}

for (const count of [5, 10, 60, 100]) {
  void test(`\`keepers:fifth\` releases 80 % of ${count} nodes in four slots at most`, () => {
    const t80 = timesOf('keepers:fifth', equalCluster(count)).t80Seconds ?? Infinity;
    assert.ok(t80 <= 4 + SLACK_SECONDS);
  });
}

void test('`serial` has the curve of its closed form when nodes have any images', () => {
  assertClosedForm('serial', serialCurve);
});

void test('`all-at-once` has the curve of its closed form when nodes have any images', () => {
  assertClosedForm('all-at-once', allAtOnceCurve);
});

/** Nodes with nothing join after the rest would have; the curves agree on those with something. */
function assertClosedForm(name: string, closedForm: (workload: Workload) => ReleaseCurve): void {
  fc.assert(
    fc.property(calmClusters({ room: 'any' }), (calm) => {
      const nodes = calm.nodes
        .map((node) => ({ ...node, joinSeconds: 0 }))
        .filter(({ images }) => images.some(({ bytes }) => bytes > 0));
      fc.pre(nodes.length > 0);
      const loadsBytes = nodes.map(({ images }) =>
        images.reduce((sumBytes, { bytes }) => sumBytes + bytes, 0),
      );
      const rates = { linkBytesPerSecond: SLOT_BYTES, frontendBytesPerSecond: SLOT_BYTES };
      const expected = closedForm({ loadsBytes, ...rates }).points;
      const { points } = run(name, { ...calm, nodes }).curve;
      assert.equal(points.length, expected.length);
      for (const [place, { seconds }] of points.entries()) {
        assertNear(seconds, expected[place]?.seconds);
      }
    }),
    RUNS,
  );
}

function run(name: string, scenario: Scenario): StrategyRun {
  const strategy = STRATEGIES.find((one) => one.name === name);
  assert.ok(strategy !== undefined, `${name} is a strategy`);
  return runStrategy(strategy, scenario);
}

function timesOf(name: string, scenario: Scenario): ReleaseTimes {
  return releaseTimes(run(name, scenario).curve);
}

function assertNear(actual: number | null, expected: number | undefined): void {
  assert.ok(actual !== null && expected !== undefined);
  assert.ok(Math.abs(actual - expected) < SLACK_SECONDS, `${actual} is not ${expected}`);
}
