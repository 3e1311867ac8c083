import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Outcome, Scenario } from '../../src/simulator/scenario.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { clusters, copyingClusters, troubledClusters } from '../simulator/clusters.ts';

const RUNS = { seed: 2009, numRuns: 1000 };

for (const [name, untroubled] of [
  ['links, room and options are any', clusters()],
  ['several copies are wanted', copyingClusters()],
] as const) {
  void test(`\`createPlanner\` gathers all and breaks no rule when ${name}`, () => {
    fc.assert(
      fc.property(untroubled, (scenario) => {
        const outcome = simulate(scenario);
        assert.deepEqual(outcome.violations, []);
        assertComplete(scenario, outcome);
      }),
      RUNS,
    );
  });

  void test(`\`createPlanner\` breaks no rule and ends when ${name} and faults strike`, () => {
    fc.assert(
      fc.property(troubledClusters(untroubled), (scenario) => {
        assert.deepEqual(simulate(scenario).violations, []);
      }),
      RUNS,
    );
  });
}

void test('`createPlanner` gives the same commands when the events are the same', () => {
  fc.assert(
    fc.property(troubledClusters(copyingClusters()), (scenario) => {
      assert.deepEqual(simulate(scenario).commands, simulate(scenario).commands);
    }),
    { ...RUNS, numRuns: 300 },
  );
});

function assertComplete({ nodes }: Scenario, outcome: Outcome): void {
  assert.equal(outcome.released.length, nodes.length);
  for (const { id } of nodes.flatMap((node) => node.images)) assert.ok(outcome.safeImages.has(id));
}
