import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { releaseBound, type ReleaseCurve } from '../../src/planner/bound.ts';
import type { PlannerOptions } from '../../src/planner/types.ts';
import {
  clusterBound,
  clusterScenario,
  type Cluster,
  type Moved,
} from '../../src/simulator/cluster.ts';
import type { Scenario } from '../../src/simulator/scenario.ts';
import { runStrategy } from '../../src/simulator/strategies/run-strategy.ts';
import { STRATEGIES } from '../../src/simulator/strategies/strategies.ts';

const MB = 1_000_000;

const PLANNER: PlannerOptions = {
  objective: { kind: 'mean' },
  senders: 1,
  maxHops: 16,
  maxAttempts: 5,
  copies: 1,
};

/** Rounding in virtual time. */
const SLACK_SECONDS = 1e-6;

/** Ten nodes with 10 MB each at 1 MB/s. */
function clusterWith(change: Partial<Cluster> = {}): Cluster {
  return {
    nodes: 10,
    medianBytes: 10 * MB,
    sigma: 0,
    seed: 1,
    linkBytesPerSecond: MB,
    frontendLinkBytesPerSecond: MB,
    frontends: 1,
    racks: null,
    diskReadBytesPerSecond: null,
    diskWriteBytesPerSecond: null,
    zeroShare: 0,
    duplicateShare: 0,
    families: 1,
    room: null,
    startSeconds: 0,
    ...change,
  };
}

function scenarioOf(change: Partial<Cluster> = {}, moved: Moved = 'needed'): Scenario {
  return clusterScenario(clusterWith(change), { planner: PLANNER, moved });
}

function sizesOf(scenario: Scenario): number[] {
  return scenario.nodes.flatMap(({ images }) => images.map(({ bytes }) => bytes));
}

void test('`clusterScenario` has equal nodes with one image each when nothing else is said', () => {
  const { nodes, frontendBytesPerSecond } = scenarioOf();
  assert.equal(nodes.length, 10);
  assert.equal(new Set(nodes.map(({ id }) => id)).size, 10);
  for (const { id: _, images, ...node } of nodes) {
    assert.deepEqual(
      images.map(({ bytes }) => bytes),
      [10 * MB],
    );
    assert.deepEqual(node, {
      joinSeconds: 0,
      upBytesPerSecond: MB,
      downBytesPerSecond: MB,
      diskReadBytesPerSecond: Infinity,
      diskWriteBytesPerSecond: Infinity,
      roomBytes: Infinity,
    });
  }
  assert.equal(frontendBytesPerSecond, MB);
});

void test('`clusterScenario` draws the same sizes again when the seed is the same', () => {
  const drawn = sizesOf(scenarioOf({ sigma: 0.8, seed: 7 }));
  assert.deepEqual(sizesOf(scenarioOf({ sigma: 0.8, seed: 7 })), drawn);
  assert.notDeepEqual(sizesOf(scenarioOf({ sigma: 0.8, seed: 8 })), drawn);
});

void test('`clusterScenario` draws log-normal sizes when a sigma is given', () => {
  const sizes = sizesOf(scenarioOf({ nodes: 1000, sigma: 0.5 }));
  const logarithms = sizes.map((bytes) => Math.log(bytes / (10 * MB)));
  const mean = logarithms.reduce((sum, value) => sum + value, 0) / 1000;
  const variance = logarithms.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 1000;
  assert.ok(Math.abs(mean) < 0.05, `mean ${mean}`);
  assert.ok(Math.abs(Math.sqrt(variance) - 0.5) < 0.05, `deviation ${Math.sqrt(variance)}`);
});

void test('`clusterScenario` fills racks in turn, each with an uplink of its own', () => {
  const racks = { count: 3, nodesEach: 4, oversubscription: 2 };
  const { nodes } = scenarioOf({ racks });
  const found = nodes.map(({ rack }) => rack);
  assert.equal(new Set(found).size, 3);
  assert.equal(found[0], found[3]);
  assert.notEqual(found[3], found[4]);
  assert.deepEqual(found[9], { upBytesPerSecond: 2 * MB, downBytesPerSecond: 2 * MB });
});

void test('`clusterScenario` limits disks, that of the frontend too, when rates are given', () => {
  const disks = { diskReadBytesPerSecond: 3, diskWriteBytesPerSecond: 2 };
  const { nodes, frontendDiskWriteBytesPerSecond } = scenarioOf(disks);
  assert.equal(nodes[0]?.diskReadBytesPerSecond, 3);
  assert.equal(nodes[0]?.diskWriteBytesPerSecond, 2);
  assert.equal(frontendDiskWriteBytesPerSecond, 2);
});

void test('`clusterScenario` lets agents come up evenly when starting takes time', () => {
  const joins = scenarioOf({ startSeconds: 20 }).nodes.map(({ joinSeconds }) => joinSeconds);
  assert.deepEqual(joins, [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]);
});

void test('`clusterScenario` moves no zeros, and knows what is common, when that is needed', () => {
  const shares = { zeroShare: 0.5, duplicateShare: 0.8 };
  const [node] = scenarioOf(shares).nodes;
  const family = { id: 'family0', sharedBytes: 4 * MB };
  assert.deepEqual(node?.images, [{ id: 'n1:image', bytes: 5 * MB, family }]);
  const [whole] = scenarioOf(shares, 'whole').nodes;
  assert.deepEqual(whole?.images, [{ id: 'n1:image', bytes: 10 * MB }]);
});

void test('`clusterScenario` has images of families in turn', () => {
  const { nodes } = scenarioOf({ duplicateShare: 0.8, families: 3 });
  const ids = nodes.flatMap(({ images }) => images.map(({ family }) => family?.id));
  assert.deepEqual(ids.slice(0, 4), ['family0', 'family1', 'family2', 'family0']);
});

for (const [families, seconds] of [
  [1, 28],
  [2, 36],
  [10, 100],
] as const) {
  void test(`\`clusterScenario\` brings the common part of each of ${families} families once`, () => {
    for (const name of ['serial', 'keepers:sqrt', 'keepers:fifth']) {
      const strategy = STRATEGIES.find((one) => one.name === name);
      assert.ok(strategy !== undefined);
      const { outcome } = runStrategy(strategy, scenarioOf({ duplicateShare: 0.8, families }));
      assert.ok(Math.abs(outcome.makespanSeconds - seconds) < SLACK_SECONDS, name);
    }
  });
}

void test('`clusterScenario` has room for just so many images of median size', () => {
  const shares = { zeroShare: 0.5, duplicateShare: 0.8 };
  const three = { room: { kind: 'images', images: 3 } } as const;
  assert.equal(scenarioOf({ ...shares, ...three }).nodes[0]?.roomBytes, 15 * MB);
  assert.equal(scenarioOf({ ...shares, ...three }, 'whole').nodes[0]?.roomBytes, 30 * MB);
});

void test('`clusterScenario` has as much room as is given in bytes', () => {
  const room = { kind: 'bytes', bytes: 15 * MB } as const;
  const { nodes } = scenarioOf({ room, zeroShare: 0.5, duplicateShare: 0.8 });
  assert.equal(nodes[0]?.roomBytes, 15 * MB);
});

void test('`clusterBound` is that of the workload when images are equal', () => {
  const rates = { linkBytesPerSecond: MB, frontendBytesPerSecond: MB };
  const loadsBytes = Array<number>(10).fill(10 * MB);
  assert.deepEqual(clusterBound(clusterWith()), releaseBound({ loadsBytes, ...rates }));
});

void test('`clusterBound` ends when own data and the common part once have crossed', () => {
  const curve = clusterBound(clusterWith({ zeroShare: 0.5, duplicateShare: 0.8 }));
  assert.equal(curve.points.at(-1)?.seconds, 14);
  assert.equal(curve.points.at(0)?.seconds, 1);
});

void test('`clusterBound` ends when the common part of each family has crossed', () => {
  const curve = clusterBound(clusterWith({ duplicateShare: 0.8, families: 2 }));
  assert.equal(curve.points.at(-1)?.seconds, 36);
});

void test('`clusterBound` ends sooner when there are several frontends', () => {
  const curve = clusterBound(clusterWith({ frontends: 4 }));
  assert.equal(curve.points.at(-1)?.seconds, 25);
});

void test('`clusterBound` bounds every strategy when a cluster is anything', () => {
  fc.assert(
    fc.property(clusters(), fc.integer({ min: 1, max: 3 }), (cluster, senders) => {
      const bound = clusterBound(cluster);
      for (const strategy of STRATEGIES) {
        for (const moved of ['needed', 'whole'] as const) {
          const planner = { ...PLANNER, senders };
          const { curve } = runStrategy(strategy, clusterScenario(cluster, { planner, moved }));
          assertNotLater(bound, curve);
        }
      }
    }),
    { seed: 2009, numRuns: 100 },
  );
});

function clusters(): fc.Arbitrary<Cluster> {
  const rate = fc.integer({ min: MB / 10, max: 4 * MB });
  const disk = fc.option(rate);
  const share = fc.constantFrom(0, 0.5, 0.9);
  return fc.record({
    nodes: fc.integer({ min: 1, max: 12 }),
    medianBytes: fc.integer({ min: 1000, max: 20 * MB }),
    sigma: fc.constantFrom(0, 0.5, 2),
    seed: fc.nat(),
    linkBytesPerSecond: rate,
    frontendLinkBytesPerSecond: rate,
    frontends: fc.integer({ min: 1, max: 3 }),
    racks: fc.option(
      fc.record({
        count: fc.constant(4),
        nodesEach: fc.constant(3),
        oversubscription: fc.constantFrom(1, 4),
      }),
    ),
    diskReadBytesPerSecond: disk,
    diskWriteBytesPerSecond: disk,
    zeroShare: share,
    duplicateShare: share,
    families: fc.integer({ min: 1, max: 3 }),
    room: fc.option(
      fc.record({ kind: fc.constant('images' as const), images: fc.nat({ max: 3 }) }),
    ),
    startSeconds: fc.constantFrom(0, 5),
  });
}

function assertNotLater(bound: ReleaseCurve, curve: ReleaseCurve): void {
  assert.equal(curve.points.length, bound.points.length, 'all nodes are released');
  for (const [place, { seconds }] of curve.points.entries()) {
    const earliest = bound.points[place]?.seconds ?? Infinity;
    assert.ok(seconds >= earliest * (1 - 1e-9) - SLACK_SECONDS, `${seconds} before ${earliest}`);
  }
}
