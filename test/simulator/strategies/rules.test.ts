import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Outcome, Scenario } from '../../../src/simulator/scenario.ts';
import { kaget } from '../../../src/simulator/strategies/kaget.ts';
import { runStrategy } from '../../../src/simulator/strategies/run-strategy.ts';
import { STRATEGIES } from '../../../src/simulator/strategies/strategies.ts';
import { clusters, troubledClusters } from '../clusters.ts';
import { runChecked, runTree } from './watch.ts';

const RUNS = { seed: 2009, numRuns: 300 };

/** Of several levels even with few nodes, besides the one that counts. */
const ARITIES = [1, 2, 3, 30];

const WATCHED = [
  ...STRATEGIES.filter(({ name }) => name !== 'kaget').map((strategy) => ({
    strategy,
    title: strategy.name,
    run: runChecked,
  })),
  ...ARITIES.map((arity) => ({
    strategy: kaget(arity),
    title: `kaget(${arity})`,
    run: runTree,
  })),
];

for (const { strategy, title, run } of WATCHED) {
  void test(`\`${title}\` gathers all and breaks no rule when clusters are any`, () => {
    fc.assert(
      fc.property(clusters(), (scenario) => {
        const { outcome, curve, broken } = run(strategy, scenario);
        assert.deepEqual(broken, []);
        assertComplete(scenario, outcome);
        assert.equal(curve.points.length, scenario.nodes.length);
      }),
      RUNS,
    );
  });

  void test(`\`${title}\` breaks no rule when transfers fail and nodes are lost`, () => {
    fc.assert(
      fc.property(troubledClusters(), (scenario) => {
        assert.deepEqual(run(strategy, scenario).broken, []);
      }),
      RUNS,
    );
  });
}

void test('`runStrategy` counts no arrival after its release when relays stay', () => {
  fc.assert(
    fc.property(clusters(), fc.constantFrom(...ARITIES), (scenario, arity) => {
      const { outcome, curve } = runStrategy(kaget(arity), scenario);
      for (const [place, { seconds }] of curve.points.entries()) {
        assert.ok(seconds <= (outcome.curve.points[place]?.seconds ?? Infinity));
      }
    }),
    RUNS,
  );
});

function assertComplete({ nodes }: Scenario, outcome: Outcome): void {
  assert.equal(outcome.released.length, nodes.length);
  for (const { id } of nodes.flatMap((node) => node.images)) assert.ok(outcome.safeImages.has(id));
}
