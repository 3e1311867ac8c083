import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { releaseTimes } from '../../src/planner/bound.ts';
import type { Outcome, Scenario } from '../../src/simulator/scenario.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { calmClusters, clusters, SLOT_BYTES, troubledClusters } from '../simulator/clusters.ts';

const RUNS = { seed: 2009, numRuns: 1000 };

/** Rounding in virtual time. */
const SLACK_SECONDS = 1e-6;

void test('`createPlanner` breaks no rule and ends when links, room and options are any', () => {
  fc.assert(
    fc.property(clusters(), (scenario) => {
      const outcome = simulate(scenario);
      assert.deepEqual(outcome.violations, []);
      assertComplete(scenario, outcome);
    }),
    RUNS,
  );
});

void test('`createPlanner` breaks no rule and ends when transfers fail and nodes are lost', () => {
  fc.assert(
    fc.property(troubledClusters(), (scenario) => {
      assert.deepEqual(simulate(scenario).violations, []);
    }),
    RUNS,
  );
});

void test('`createPlanner` is never later than serial copying when all nodes are there', () => {
  fc.assert(
    fc.property(calmClusters({ room: 'any' }), (scenario) => {
      const nodes = scenario.nodes.map((node) => Object.assign(node, { joinSeconds: 0 }));
      const relayed = simulate({ ...scenario, nodes });
      const serial = simulate(serially({ ...scenario, nodes }));
      assert.ok(relayed.makespanSeconds <= serial.makespanSeconds + SLACK_SECONDS);
      assert.ok(meanSeconds(relayed) <= meanSeconds(serial) + SLACK_SECONDS);
    }),
    RUNS,
  );
});

void test('`createPlanner` is late by one node at most when nodes join late', () => {
  fc.assert(
    fc.property(calmClusters({ room: 'any' }), (scenario) => {
      const loads = scenario.nodes.map(({ images }) =>
        images.reduce((a, { bytes }) => a + bytes, 0),
      );
      const relayed = simulate(scenario);
      const serial = simulate(serially(scenario));
      assert.ok(relayed.makespanSeconds <= serial.makespanSeconds + SLACK_SECONDS);
      const late = Math.max(...loads) / SLOT_BYTES;
      assert.ok(meanSeconds(relayed) <= meanSeconds(serial) + late + SLACK_SECONDS);
    }),
    RUNS,
  );
});

void test('`createPlanner` ends later than serial copying by overheads only', () => {
  fc.assert(
    fc.property(calmClusters({ room: 'ample' }), (calm) => {
      const scenario = { ...calm, connectSeconds: 0.01, syncSeconds: 0.01 };
      const imageCount = scenario.nodes.flatMap((node) => node.images).length;
      const relayed = simulate(scenario);
      const serial = simulate(serially(scenario));
      assert.ok(relayed.makespanSeconds <= serial.makespanSeconds + 0.02 * imageCount);
    }),
    RUNS,
  );
});

void test('`createPlanner` gives the same commands when the events are the same', () => {
  fc.assert(
    fc.property(troubledClusters(), (scenario) => {
      assert.deepEqual(simulate(scenario).commands, simulate(scenario).commands);
    }),
    { ...RUNS, numRuns: 50 },
  );
});

/** Without relays the planner copies one node after the other, the least loaded first. */
function serially(scenario: Scenario): Scenario {
  return { ...scenario, planner: { ...scenario.planner, maxHops: 0 } };
}

function meanSeconds(outcome: Outcome): number {
  return releaseTimes(outcome.curve).meanReleaseSeconds ?? 0;
}

function assertComplete({ nodes }: Scenario, outcome: Outcome): void {
  assert.equal(outcome.released.length, nodes.length);
  for (const { id } of nodes.flatMap((node) => node.images)) assert.ok(outcome.safeImages.has(id));
}
