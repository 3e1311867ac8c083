import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import {
  boundsOf,
  makespanBound,
  releaseBoundOf,
  type Bounds,
} from '../../../bench/planner/bounds.ts';
import { fluidCluster, type FluidCluster } from '../../../bench/planner/fluid-cluster.ts';
import { meanReleaseBound } from '../../../bench/planner/mean-bound.ts';
import { mostReleased, mostReleasedByBytes } from '../../../bench/planner/release-count.ts';
import { rows } from '../../../bench/planner/rows.ts';
import { scenarioOf } from '../../../bench/planner/scenarios.ts';
import { loadSolver } from '../../../bench/planner/solver.ts';
import type { Terms } from '../../../bench/planner/terms.ts';
import { releaseBound } from '../../../src/planner/bound.ts';
import type { Objective } from '../../../src/planner/types.ts';
import type { Scenario, SimulatedNode } from '../../../src/simulator/scenario.ts';
import { clusters, copyingClusters, SLOT_BYTES } from '../../simulator/clusters.ts';
import { assertBelowRun, assertNear, TOLERANCE } from './below-runs.ts';

const highs = await loadSolver();

/** Solved in milliseconds. */
const COARSE = 12;

/** Fine enough where images are equal. */
const EXACT = 24;

void suite('no run is better than the bounds', () => {
  void test('`boundsOf` is never above a run when clusters are small and random', () => {
    fc.assert(
      fc.property(copyingClusters(), (scenario) => assertBelowRun(highs, scenario, COARSE)),
      { numRuns: 60 },
    );
  });

  void test('`boundsOf` is never above a run when overheads, late nodes and few hops are gone', () => {
    const freed = copyingClusters().map(unhindered);
    const property = fc.property(freed, (scenario) => assertBelowRun(highs, scenario, COARSE));
    fc.assert(property, { numRuns: 60 });
  });

  for (const row of rows().filter(({ nodes }) => nodes <= 16)) {
    void test(`\`boundsOf\` is not above either objective's run of ${row.name}, n=${row.nodes}`, () => {
      for (const objective of [{ kind: 'mean' }, { kind: 'target', fraction: 0.8 }] as const) {
        assertBelowRun(highs, withObjective(row.scenario, objective), EXACT);
      }
    });
  }
});

void suite('closed forms', () => {
  for (const [nodes, best] of [
    [1, 1],
    [2, 1.5],
    [8, 2.625],
    [16, 3.375],
    [64, 5.125],
  ] as const) {
    void test(`\`boundsOf\` is pairing's mean when ${nodes} images are equal`, () => {
      assertNear(boundsOf(highs, scenarioOf({ nodes }), EXACT).meanReleaseSeconds, best);
    });
  }

  void test('`boundsOf` has 80 % of 64 equal nodes released after four slots', () => {
    const { t80Seconds, makespanSeconds } = boundsOf(highs, scenarioOf({ nodes: 64 }), COARSE);
    assertNear(t80Seconds, 4);
    assertNear(makespanSeconds, 64);
  });

  void test('`boundsOf` is serial copying when there is no room', () => {
    const bounds = boundsOf(highs, scenarioOf({ nodes: 10, room: 0 }), EXACT);
    assert.deepEqual(rounded(bounds), { makespan: 10, mean: 5.5, t80: 8 });
  });

  void test('`boundsOf` is what each node needs for itself when the frontend takes all at once', () => {
    const bounds = boundsOf(highs, scenarioOf({ nodes: 10, frontend: 10, sigma: 1.2 }), COARSE);
    const sizes = loadsOf(scenarioOf({ nodes: 10, sigma: 1.2 })).map((bytes) => bytes / SLOT_BYTES);
    assert.ok(bounds.meanReleaseSeconds <= sum(sizes) / 10 + TOLERANCE);
    assertNear(bounds.makespanSeconds, Math.max(...sizes));
    assertNear(bounds.t80Seconds, sizes.toSorted((left, right) => left - right)[7] ?? 0);
  });

  void test('`boundsOf` is zero when there is nothing to gather', () => {
    const scenario = scenarioOf({ nodes: 2 });
    const nodes = scenario.nodes.map((node) => ({ ...node, images: [] }));
    const zero = { makespanSeconds: 0, meanReleaseSeconds: 0, t80Seconds: 0 };
    const bounds = boundsOf(highs, { ...scenario, nodes });
    assert.deepEqual(bounds, { ...zero, urgentSeconds: undefined });
  });

  void test('`mostReleasedByBytes` is (n + 1)·t / (1 + t) when images and links are equal', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (nodes, part) => {
          const seconds = 1 + part * (nodes - 1);
          const most = mostReleasedByBytes(highs, clusterOf({ nodes }), seconds);
          assertNear(most, ((nodes + 1) * seconds) / (1 + seconds));
        },
      ),
    );
  });

  void test('`mostReleased` counts whole images when they are equal', () => {
    const cluster = clusterOf({ nodes: 64 });
    const counts = [0.99, 1, 1.99, 2, 3, 3.99, 4, 63.99, 64];
    const released = counts.map((seconds) => mostReleased(highs, cluster, seconds));
    assert.deepEqual(released, [0, 32, 32, 43, 48, 48, 52, 63, 64]);
  });

  void test('`releaseBoundOf` is no less than the bound of cuts when links are equal', () => {
    const scenario = scenarioOf({ nodes: 16, sigma: 1.2 });
    const curve = releaseBound({
      loadsBytes: loadsOf(scenario),
      linkBytesPerSecond: SLOT_BYTES,
      frontendBytesPerSecond: SLOT_BYTES,
    });
    for (const [place, { seconds }] of curve.points.entries()) {
      const bound = releaseBoundOf(highs, clusterOf({ nodes: 16, sigma: 1.2 }), place + 1);
      assert.ok(
        bound >= seconds - TOLERANCE * (seconds + 1),
        `${place + 1}: ${bound} < ${seconds}`,
      );
    }
  });

  void test('`makespanBound` is that of a rack when its uplink is the narrowest', () => {
    const rack = { upBytesPerSecond: SLOT_BYTES / 4, downBytesPerSecond: SLOT_BYTES };
    const scenario = scenarioOf({ nodes: 8 });
    const nodes = scenario.nodes.map((node, place) => (place < 4 ? { ...node, rack } : node));
    const cluster = fluidCluster({ ...scenario, nodes });
    assert.ok(cluster !== undefined);
    assertNear(makespanBound(cluster), 16);
  });
});

void test('`meanReleaseBound` is no lower when slots are cut', () => {
  const moments = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { maxLength: 6 });
  fc.assert(
    fc.property(clusters(), moments, moments, (scenario, some, more) => {
      const cluster = fluidCluster(scenario);
      if (cluster === undefined) return;
      const last = makespanBound(cluster);
      const coarse = meanReleaseBound(highs, cluster, gridOf(some, last));
      const fine = meanReleaseBound(highs, cluster, gridOf([...some, ...more], last));
      assert.ok(fine >= coarse - TOLERANCE * last, `${fine} < ${coarse}`);
    }),
    { numRuns: 60 },
  );
});

/** Without what keeps the planner from its best. */
function unhindered(scenario: Scenario): Scenario {
  return {
    ...scenario,
    nodes: scenario.nodes.map((node) => withoutDelay(node)),
    connectSeconds: 0,
    syncSeconds: 0,
    planner: { ...scenario.planner, maxHops: 16 },
  };
}

function withoutDelay(node: SimulatedNode): SimulatedNode {
  return { ...node, joinSeconds: 0 };
}

function withObjective(scenario: Scenario, objective: Objective): Scenario {
  return { ...scenario, planner: { ...scenario.planner, objective } };
}

function clusterOf(terms: Terms): FluidCluster {
  const cluster = fluidCluster(scenarioOf(terms));
  assert.ok(cluster !== undefined);
  return cluster;
}

function loadsOf({ nodes }: Scenario): number[] {
  return nodes.map(({ images }) => sum(images.map(({ bytes }) => bytes)));
}

/** The grid with these moments, given as parts of the last. */
function gridOf(parts: readonly number[], last: number): number[] {
  return [...new Set([0, ...parts, 1])].toSorted((a, b) => a - b).map((part) => part * last);
}

function rounded({ makespanSeconds, meanReleaseSeconds, t80Seconds }: Bounds) {
  const [makespan, mean, t80] = [makespanSeconds, meanReleaseSeconds, t80Seconds].map(
    (seconds) => Math.round(seconds * 1e4) / 1e4,
  );
  return { makespan, mean, t80 };
}

function sum(values: readonly number[]): number {
  return values.reduce((left, right) => left + right, 0);
}
