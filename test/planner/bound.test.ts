import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  allAtOnceCurve,
  releaseBound,
  releaseTimes,
  serialCurve,
  toCurve,
  type ReleaseCurve,
  type Workload,
} from '../../src/planner/bound.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { calmClusters, SLOT_BYTES } from '../simulator/clusters.ts';

const LINK = { linkBytesPerSecond: 1, frontendBytesPerSecond: 1 };
const EQUAL: Workload = { ...LINK, loadsBytes: Array.from({ length: 64 }, () => 1) };

void test('`releaseBound` is (n + 1)·t / (1 + t) when images are equal', () => {
  for (const [place, { seconds }] of releaseBound(EQUAL).points.entries()) {
    const slots = (65 * seconds) / (1 + seconds);
    assert.ok(Math.abs(slots - (place + 1)) < 1e-6 || seconds === 1);
  }
  const times = releaseTimes(releaseBound(EQUAL));
  assert.deepEqual([times.t50Seconds, times.t80Seconds, times.t100Seconds], [1, 4, 64]);
});

void test('`releaseBound` is never later than a simulated run when links are equal', () => {
  fc.assert(
    fc.property(calmClusters({ room: 'ample' }), (scenario) => {
      const outcome = simulate(scenario);
      const bound = releaseBound({
        loadsBytes: scenario.nodes.map(({ images }) => sum(images.map(({ bytes }) => bytes))),
        linkBytesPerSecond: SLOT_BYTES,
        frontendBytesPerSecond: SLOT_BYTES,
      });
      assertNotLater(bound, outcome.curve);
    }),
    { seed: 2009, numRuns: 300 },
  );
});

void test('`releaseBound` is never later than the rivals when loads are any', () => {
  const workload = fc.record({
    loadsBytes: fc.array(fc.nat({ max: 1000 }), { minLength: 1 }),
    linkBytesPerSecond: fc.integer({ min: 1, max: 100 }),
    frontendBytesPerSecond: fc.integer({ min: 1, max: 400 }),
  });
  fc.assert(
    fc.property(workload, (drawn) => {
      assertNotLater(releaseBound(drawn), serialCurve(drawn));
      assertNotLater(releaseBound(drawn), allAtOnceCurve(drawn));
    }),
    { seed: 2009, numRuns: 300 },
  );
});

void test('`serialCurve` releases in the given order when loads differ', () => {
  const curve = serialCurve({ ...LINK, loadsBytes: [3, 1] });
  assert.deepEqual(curve.points, [
    { seconds: 3, share: 0.5 },
    { seconds: 4, share: 1 },
  ]);
});

void test('`allAtOnceCurve` releases all at the end when loads are equal', () => {
  const times = releaseTimes(allAtOnceCurve(EQUAL));
  assert.deepEqual([times.t50Seconds, times.t100Seconds], [64, 64]);
});

void test('`allAtOnceCurve` shares fairly when loads differ', () => {
  const seconds = allAtOnceCurve({ ...LINK, loadsBytes: [3, 1] }).points.map((at) => at.seconds);
  assert.deepEqual(seconds, [2, 4]);
});

void test("`allAtOnceCurve` is limited by the nodes' links when the frontend's is wide", () => {
  const workload = { loadsBytes: [2, 4], linkBytesPerSecond: 1, frontendBytesPerSecond: 100 };
  assert.deepEqual(
    allAtOnceCurve(workload).points.map((at) => at.seconds),
    [2, 4],
  );
});

void test('`releaseTimes` has no figure when the share is never reached', () => {
  assert.deepEqual(releaseTimes(toCurve('none', [], 4)), {
    t50Seconds: null,
    t80Seconds: null,
    t100Seconds: null,
    meanReleaseSeconds: null,
  });
  assert.deepEqual(releaseTimes(toCurve('half', [1, 3], 4)), {
    t50Seconds: 3,
    t80Seconds: null,
    t100Seconds: null,
    meanReleaseSeconds: 2,
  });
});

function assertNotLater(bound: ReleaseCurve, curve: ReleaseCurve): void {
  const seconds = curve.points.map((at) => at.seconds).sort((left, right) => left - right);
  for (const [place, { seconds: least }] of bound.points.entries()) {
    assert.ok(least <= (seconds[place] ?? Infinity) + 1e-6);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
