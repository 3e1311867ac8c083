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
    racks: null,
    diskReadBytesPerSecond: null,
    diskWriteBytesPerSecond: null,
    zeroShare: 0,
    duplicateShare: 0,
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

void test('`clusterScenario` moves no zeros, and the common part once, when that is needed', () => {
  const shares = { zeroShare: 0.5, duplicateShare: 0.8 };
  assert.deepEqual(sizesOf(scenarioOf(shares)), [5 * MB, ...Array<number>(9).fill(MB)]);
  assert.deepEqual(sizesOf(scenarioOf(shares, 'whole')), Array<number>(10).fill(10 * MB));
});

void test('`clusterScenario` sends the image with the common part first, and not elsewhere', () => {
  for (const strategy of STRATEGIES) {
    const scenario = scenarioOf({ duplicateShare: 0.8, sigma: 0.8, startSeconds: 3 });
    const { transfers } = runStrategy(strategy, scenario).outcome;
    const first = transfers.filter(({ image }) => image === 'n1:image');
    assert.equal(first.length, 1, strategy.name);
    assert.equal(first[0]?.transfer, 't1', strategy.name);
  }
});

void test('`clusterScenario` has room for just so many images of median size', () => {
  const shares = { zeroShare: 0.5, duplicateShare: 0.8 };
  const three = { room: { kind: 'images', images: 3 } } as const;
  assert.equal(scenarioOf({ ...shares, ...three }).nodes[0]?.roomBytes, 3 * MB);
  assert.equal(scenarioOf({ ...shares, ...three }, 'whole').nodes[0]?.roomBytes, 30 * MB);
});

void test('`clusterScenario` counts the common part when room is given in bytes', () => {
  const room = { kind: 'bytes', bytes: 15 * MB } as const;
  const { nodes } = scenarioOf({ room, zeroShare: 0.5, duplicateShare: 0.8 });
  // Of 5 MB of data an image, 1 MB moves: three fit.
  assert.ok(Math.abs((nodes[0]?.roomBytes ?? 0) - 3 * MB) < 1);
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
