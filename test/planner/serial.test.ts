import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Outcome, Scenario, SimulatedNode } from '../../src/simulator/scenario.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { runStrategy } from '../../src/simulator/strategies/run-strategy.ts';
import { serial } from '../../src/simulator/strategies/direct.ts';
import { calmClusters, clusters, equalCluster, SLOT_BYTES } from '../simulator/clusters.ts';

// Against copying one node after the other: in their order, or the one that is quickest first.

const RUNS = { seed: 2009, numRuns: 500 };

/** Rounding in virtual time. */
const SLACK_SECONDS = 1e-6;

type Trait = keyof SimulatedNode | 'family';

const LINKS: readonly Trait[] = [
  'upBytesPerSecond',
  'downBytesPerSecond',
  'diskReadBytesPerSecond',
  'diskWriteBytesPerSecond',
];

void test('`createPlanner` is never later than serial copying when links are equal', () => {
  fc.assert(
    fc.property(differingIn([]), (scenario) => {
      const relayed = simulate(scenario);
      for (const rival of rivals(scenario)) {
        assert.ok(relayed.makespanSeconds <= rival.makespanSeconds + SLACK_SECONDS);
        assertLate(scenario, { relayed, rival, bySeconds: 0 });
      }
    }),
    RUNS,
  );
});

for (const [what, scenarios] of [
  ['nodes join late', calmClusters({ room: 'any' })],
  ['images have much in common', differingIn(['family'])],
] as const) {
  void test(`\`createPlanner\` ends no later, the mean by one node at most, when ${what}`, () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const relayed = simulate(scenario);
        for (const rival of rivals(scenario)) {
          assert.ok(relayed.makespanSeconds <= rival.makespanSeconds + SLACK_SECONDS);
          assertLate(scenario, { relayed, rival, bySeconds: longestSeconds(scenario) });
        }
      }),
      RUNS,
    );
  });
}

for (const [what, traits] of [
  ['nodes differ in weight', ['weight']],
  ['links and disks differ', LINKS],
  ['racks have narrow uplinks', ['rack']],
  ['promises of links are wrong', [...LINKS, 'promised']],
  [
    'all this comes together and nodes join late',
    [...LINKS, 'promised', 'rack', 'weight', 'family', 'joinSeconds'],
  ],
] as const) {
  void test(`\`createPlanner\` has a mean later by one node at most when ${what}`, () => {
    fc.assert(
      fc.property(differingIn(traits), (scenario) => {
        const relayed = simulate(scenario);
        // The frontend does not take a slow node while others are waited for.
        const bySeconds = longestSeconds(scenario) + assembledSeconds(scenario);
        for (const rival of rivals(scenario)) assertLate(scenario, { relayed, rival, bySeconds });
      }),
      RUNS,
    );
  });
}

void test('`createPlanner` ends later than serial copying by overheads only', () => {
  fc.assert(
    fc.property(calmClusters({ room: 'ample' }), (calm) => {
      const scenario = { ...calm, connectSeconds: 0.01, syncSeconds: 0.01 };
      const imageCount = scenario.nodes.flatMap((node) => node.images).length;
      const relayed = simulate(scenario);
      for (const rival of rivals(scenario)) {
        assert.ok(relayed.makespanSeconds <= rival.makespanSeconds + 0.02 * imageCount);
      }
    }),
    RUNS,
  );
});

/** Any clusters, but of the nodes only these traits, with one sender and the mean as objective. */
function differingIn(traits: readonly Trait[]): fc.Arbitrary<Scenario> {
  return clusters().map(({ nodes, frontendBytesPerSecond }) =>
    Object.assign(equalCluster(0), {
      frontendBytesPerSecond,
      nodes: nodes.map((node) => leveled(node, traits)),
    }),
  );
}

function leveled(node: SimulatedNode, traits: readonly Trait[]): SimulatedNode {
  const kept = Object.entries(node).filter(([key]) => traits.some((trait) => trait === key));
  const images = traits.includes('family')
    ? node.images
    : node.images.map(({ id, bytes }) => ({ id, bytes }));
  const { id, roomBytes } = node;
  const link = { upBytesPerSecond: SLOT_BYTES, downBytesPerSecond: SLOT_BYTES };
  return { id, roomBytes, images, joinSeconds: 0, ...link, ...Object.fromEntries(kept) };
}

/** The same without relays, which takes the least first, and copying in the nodes' order. */
function rivals(scenario: Scenario): Outcome[] {
  const planner = { ...scenario.planner, maxHops: 0 };
  return [simulate({ ...scenario, planner }), runStrategy(serial, scenario).outcome];
}

function meanSeconds({ nodes }: Scenario, { released }: Outcome): number {
  const weights = new Map(nodes.map(({ id, weight = 1 }) => [id, weight]));
  let sum = 0;
  let count = 0;
  for (const { node, seconds } of released) {
    const weight = weights.get(node) ?? 1;
    sum += weight * seconds;
    count += weight;
  }
  return sum / count;
}

interface Lateness {
  readonly relayed: Outcome;
  readonly rival: Outcome;
  readonly bySeconds: number;
}

/** The mean is late by so much at most. */
function assertLate(scenario: Scenario, { relayed, rival, bySeconds }: Lateness): void {
  const lateSeconds = meanSeconds(scenario, relayed) - meanSeconds(scenario, rival);
  assert.ok(lateSeconds <= bySeconds + SLACK_SECONDS);
}

/** When the last node has joined. */
function assembledSeconds({ nodes }: Scenario): number {
  return Math.max(...nodes.map(({ joinSeconds }) => joinSeconds));
}

/** What the node that takes longest needs when nothing else moves. */
function longestSeconds({ nodes, frontendBytesPerSecond }: Scenario): number {
  const seconds = nodes.map((node) => {
    const { images, upBytesPerSecond, diskReadBytesPerSecond = Infinity, rack } = node;
    const rate = Math.min(
      frontendBytesPerSecond,
      upBytesPerSecond,
      diskReadBytesPerSecond,
      rack?.upBytesPerSecond ?? Infinity,
    );
    return images.reduce((sum, { bytes }) => sum + bytes, 0) / rate;
  });
  return Math.max(...seconds);
}
