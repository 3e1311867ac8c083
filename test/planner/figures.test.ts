import assert from 'node:assert/strict';
import { test } from 'node:test';
import { releaseTimes } from '../../src/planner/bound.ts';
import type { PlannerOptions } from '../../src/planner/types.ts';
import type { Outcome, Scenario } from '../../src/simulator/scenario.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { equalCluster } from '../simulator/clusters.ts';

// One slot (τ) is one second; the figures are those of docs/decisions/0001-greedy-planner.md.

const TARGET: Partial<PlannerOptions> = { objective: { kind: 'target', fraction: 0.8 } };

void test('`createPlanner` meets the bound at 1, 3 and 7 slots when 64 images are equal', () => {
  const outcome = run(equalCluster(64));
  assertNear(secondsOfShare(outcome, 0.5), 1);
  assertNear(secondsOfShare(outcome, 0.75), 3);
  assertNear(secondsOfShare(outcome, 0.875), 7);
  assertNear(meanSeconds(outcome), 5.125);
  assertNear(outcome.makespanSeconds, 64);
  assertNear(outcome.frontendBusyFraction, 1);
});

for (const [count, mean] of [
  [1, 1],
  [2, 1.5],
  [8, 2.625],
  [16, 3.375],
] as const) {
  void test(`\`createPlanner\` has a mean of ${mean} slots when ${count} images are equal`, () => {
    assertNear(meanSeconds(run(equalCluster(count))), mean);
  });
}

void test('`createPlanner` releases 80 % in four slots when that is the target of 64 nodes', () => {
  const outcome = run(equalCluster(64, TARGET));
  assertNear(secondsOfShare(outcome, 0.8), 4);
  assertNear(outcome.makespanSeconds, 64);
});

void test('`createPlanner` relays an image once only when a target is pursued', () => {
  const outcome = run(equalCluster(64, { ...TARGET, maxHops: 1 }));
  assertNear(secondsOfShare(outcome, 0.8), 4);
  assert.equal(outcome.transfers.length, 64 + 48);
});

void test('`createPlanner` falls back to the least mean when a target leaves no keepers', () => {
  assertNear(meanSeconds(run(equalCluster(3, TARGET))), meanSeconds(run(equalCluster(3))));
});

void test('`createPlanner` loses little when a transfer has an overhead of 2 % of a slot', () => {
  const outcome = run({ ...equalCluster(16), connectSeconds: 0.01, syncSeconds: 0.01 });
  assert.ok(secondsOfShare(outcome, 0.5) <= 1.3);
  assert.ok(secondsOfShare(outcome, 0.875) <= 8);
  assert.ok(outcome.frontendBusyFraction >= 0.97);
});

void test('`createPlanner` loses little when nodes join late and links differ by 5 %', () => {
  const calm = equalCluster(64);
  const nodes = calm.nodes.map((node, place) => ({
    ...node,
    joinSeconds: ((place * 7) % 64) / 640,
    upBytesPerSecond: node.upBytesPerSecond * (1 - ((place * 5) % 64) / 1280),
  }));
  const outcome = run({ ...calm, nodes });
  assert.ok(secondsOfShare(outcome, 0.5) <= 1.2);
  assert.ok(secondsOfShare(outcome, 0.875) <= 7.5);
  assert.ok(meanSeconds(outcome) <= 5.5);
});

for (const senders of [2, 3]) {
  void test(`\`createPlanner\` fills a frontend of ${senders} links when as many may send`, () => {
    const calm = equalCluster(64, { senders });
    const outcome = run({ ...calm, frontendBytesPerSecond: senders * 1e6 });
    assert.ok(outcome.makespanSeconds <= Math.ceil(64 / senders) + 1 + 1e-6);
    assert.ok(meanSeconds(outcome) <= 4.5 + 1e-6);
  });
}

void test('`createPlanner` decides quickly enough when there are 1000 nodes', () => {
  const outcome = run(equalCluster(1000));
  assertNear(secondsOfShare(outcome, 0.5), 1);
  assertNear(outcome.makespanSeconds, 1000);
});

function run(scenario: Scenario): Outcome {
  const outcome = simulate(scenario);
  assert.deepEqual(outcome.violations, []);
  return outcome;
}

function meanSeconds(outcome: Outcome): number {
  return releaseTimes(outcome.curve).meanReleaseSeconds ?? Infinity;
}

function secondsOfShare(outcome: Outcome, share: number): number {
  const point = outcome.curve.points.find((one) => one.share >= share - 1e-9);
  return point?.seconds ?? Infinity;
}

function assertNear(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);
}
