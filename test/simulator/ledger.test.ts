import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { PlannerOptions } from '../../src/planner/types.ts';
import { applyToLedger, createLedger, type Ledger } from '../../src/simulator/ledger.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { serial } from '../../src/simulator/strategies/direct.ts';
import { kaget } from '../../src/simulator/strategies/kaget.ts';
import type { Strategy } from '../../src/simulator/strategies/strategy.ts';
import { copyingClusters, troubledClusters } from './clusters.ts';

for (const strategy of [serial, kaget(2)]) {
  void test(`\`applyToLedger\` keeps its sums and indexes when \`${strategy.name}\` runs`, () => {
    fc.assert(
      fc.property(troubledClusters(copyingClusters()), (scenario) => {
        const planner = strategy.optionsFor(scenario.planner, scenario.nodes.length);
        simulate({ ...scenario, planner }, (options) => watched(strategy, options));
      }),
      { seed: 2009, numRuns: 200 },
    );
  });
}

/** The planner of a strategy; a ledger of its own is held to the plain truth after each event. */
function watched(strategy: Strategy, options: PlannerOptions): ReturnType<Strategy['plannerFor']> {
  const planner = strategy.plannerFor(options);
  const ledger = createLedger(options);
  return {
    handle(event) {
      applyToLedger(ledger, event);
      const commands = planner.handle(event);
      for (const command of commands) applyToLedger(ledger, command);
      assertIndexed(ledger);
      return commands;
    },
    idle: () => planner.idle(),
  };
}

function assertIndexed(ledger: Ledger): void {
  for (const [id, node] of ledger.nodes) {
    const { copies, incoming, outgoing, usedBytes, waiting, phase } = node;
    if (phase !== 'up') {
      assert.ok(!ledger.waitingNodes.has(id));
      continue;
    }
    const kept = [...copies].filter(([, { hops }]) => hops > 0).map(([image]) => image);
    const coming = [...incoming].map(({ image }) => image);
    const sumBytes = [...kept, ...coming].reduce(
      (sum, image) => sum + (ledger.images.get(image)?.bytes ?? 0),
      0,
    );
    assert.equal(usedBytes, sumBytes);
    assert.deepEqual(
      [...waiting].toSorted(),
      [...copies.keys()].filter((image) => waits(ledger, image)).toSorted(),
    );
    assert.equal(ledger.waitingNodes.has(id), waiting.size > 0);
    const moving = [...ledger.transfers.values()].filter((one) => one.phase !== 'ended');
    assert.deepEqual(new Set(moving.filter(({ from }) => from === id)), outgoing);
    assert.deepEqual(new Set(moving.filter(({ to }) => to === id)), incoming);
  }
}

function waits(ledger: Ledger, id: string): boolean {
  const image = ledger.images.get(id);
  const isMoving = [...ledger.transfers.values()].some(
    (one) => one.image === id && one.phase !== 'ended',
  );
  return image !== undefined && !image.safe && !image.givenUp && !isMoving;
}
