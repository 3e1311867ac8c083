import assert from 'node:assert/strict';
import type { Highs } from 'highs';
import { boundsOf } from '../../../bench/planner/bounds.ts';
import { lastRelease, meanRelease } from '../../../bench/planner/releases.ts';
import { releaseTimes } from '../../../src/planner/bound.ts';
import type { Scenario } from '../../../src/simulator/scenario.ts';
import { simulate } from '../../../src/simulator/simulate.ts';

/** Of times: what solver and simulator may be off by rounding. */
export const TOLERANCE = 1e-5;

/** Runs the planner through a scenario, and no figure is below its bound. */
export function assertBelowRun(highs: Highs, scenario: Scenario, slots: number): void {
  const outcome = simulate(scenario);
  const { nodes } = scenario;
  assert.deepEqual(outcome.violations, []);
  assert.equal(outcome.released.length, nodes.length);
  const bounds = boundsOf(highs, scenario, slots);
  const urgent = nodes.filter(({ deadline }) => deadline !== undefined);
  assertNotAbove(bounds.makespanSeconds, outcome.makespanSeconds);
  assertNotAbove(bounds.meanReleaseSeconds, meanRelease(nodes, outcome));
  assertNotAbove(bounds.t80Seconds, releaseTimes(outcome.curve).t80Seconds ?? Infinity);
  assertNotAbove(bounds.urgentSeconds ?? 0, lastRelease(urgent, outcome));
}

function assertNotAbove(bound: number, seconds: number): void {
  assert.ok(bound <= Math.max(0, seconds) * (1 + TOLERANCE), `the bound ${bound} > ${seconds}`);
}

export function assertNear(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= TOLERANCE * expected, `${actual} is not ${expected}`);
}
