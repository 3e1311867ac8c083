import assert from 'node:assert/strict';
import { test } from 'node:test';
import { releaseTimes, type ReleaseTimes } from '../../../src/planner/bound.ts';
import type { Scenario } from '../../../src/simulator/scenario.ts';
import { allAtOnce } from '../../../src/simulator/strategies/direct.ts';
import { kaget } from '../../../src/simulator/strategies/kaget.ts';
import { runStrategy } from '../../../src/simulator/strategies/run-strategy.ts';
import { equalCluster } from '../clusters.ts';

// Measured on 64 hosts in network namespaces of one machine: 16 MiB each, links with a goodput of
// 2.39 MB/s; reaching all of them over ssh took 18.6 s.

const GOODPUT_BYTES_PER_SECOND = 2.39e6;
const IMAGE_BYTES = 16 * 2 ** 20;
const START_SECONDS = 18.6;
const COUNT = 64;

const KAGET: ReleaseTimes = {
  meanReleaseSeconds: 343.3,
  t50Seconds: 417.7,
  t80Seconds: 468.2,
  t100Seconds: 475.5,
};

const SCP_AT_ONCE: ReleaseTimes = {
  meanReleaseSeconds: 435.9,
  t50Seconds: 444.6,
  t80Seconds: 453.6,
  t100Seconds: 458.8,
};

void test('`kaget` is within 10 % of what was measured', () => {
  assertWithin(releaseTimes(runStrategy(kaget(), measuredCluster()).curve), KAGET, 0.1);
});

void test('`all-at-once` is within 3 % of what was measured for scp', () => {
  assertWithin(releaseTimes(runStrategy(allAtOnce, measuredCluster()).curve), SCP_AT_ONCE, 0.03);
});

/** Nodes come up one after the other. */
function measuredCluster(): Scenario {
  const calm = equalCluster(COUNT);
  const nodes = calm.nodes.map((node, place) => ({
    ...node,
    joinSeconds: (START_SECONDS * (place + 1)) / COUNT,
    upBytesPerSecond: GOODPUT_BYTES_PER_SECOND,
    downBytesPerSecond: GOODPUT_BYTES_PER_SECOND,
    images: node.images.map(({ id }) => ({ id, bytes: IMAGE_BYTES })),
  }));
  return { ...calm, nodes, frontendBytesPerSecond: GOODPUT_BYTES_PER_SECOND };
}

function assertWithin(actual: ReleaseTimes, measured: ReleaseTimes, part: number): void {
  for (const name of ['meanReleaseSeconds', 't50Seconds', 't80Seconds', 't100Seconds'] as const) {
    const ratio = (actual[name] ?? Infinity) / (measured[name] ?? 0);
    assert.ok(Math.abs(ratio - 1) <= part, `${name}: ${actual[name]} for ${measured[name]}`);
  }
}
