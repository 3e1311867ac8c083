import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome, Rack, Scenario, SimulatedNode } from '../../src/simulator/scenario.ts';
import { simulate } from '../../src/simulator/simulate.ts';
import { equalCluster, SLOT_BYTES } from './clusters.ts';

// One image takes one second over one link of full rate.

const DIRECT = { maxHops: 0 };

void test('`simulate` shares an uplink when two of its rack send to the frontend', () => {
  const rack: Rack = { upBytesPerSecond: SLOT_BYTES / 2, downBytesPerSecond: SLOT_BYTES };
  const calm = equalCluster(3, { ...DIRECT, senders: 3 });
  const wide = { ...calm, frontendBytesPerSecond: 3 * SLOT_BYTES };
  const outcome = run(withNodes(wide, (place) => (place < 2 ? { rack } : {})));
  assert.deepEqual(seconds(outcome), [1, 4, 4]);
});

void test('`simulate` relays at full rate in a rack when its uplink is narrow', () => {
  const rack: Rack = { upBytesPerSecond: SLOT_BYTES / 4, downBytesPerSecond: SLOT_BYTES / 4 };
  const outcome = run(withNodes(equalCluster(3), () => ({ rack })));
  const relay = outcome.transfers.find((transfer) => transfer.to.startsWith('n'));
  assert.equal(relay?.endSeconds, 1);
  assert.equal(outcome.makespanSeconds, 12);
});

void test("`simulate` is held up by a sender's disk when that is slower than its link", () => {
  const nodes = { diskReadBytesPerSecond: SLOT_BYTES / 2 };
  const outcome = run(withNodes(equalCluster(2, DIRECT), () => nodes));
  assert.deepEqual(seconds(outcome), [2, 4]);
});

void test("`simulate` is held up by a receiver's disk when that is slower than its link", () => {
  const nodes = { diskWriteBytesPerSecond: SLOT_BYTES / 2 };
  const outcome = run(withNodes(equalCluster(3), () => nodes));
  const relay = outcome.transfers.find((transfer) => transfer.to.startsWith('n'));
  assert.equal(relay?.endSeconds, 2);
  assert.equal(outcome.makespanSeconds, 3);
});

void test("`simulate` is held up by the frontend's disk when that is slower than its link", () => {
  const calm = equalCluster(2, { ...DIRECT, senders: 2 });
  const outcome = run({ ...calm, frontendDiskWriteBytesPerSecond: SLOT_BYTES / 4 });
  assert.deepEqual(seconds(outcome), [8, 8]);
});

void test('`simulate` waits for nothing when no rate is limited', () => {
  const nodes = { upBytesPerSecond: Infinity, downBytesPerSecond: Infinity };
  const calm = { ...equalCluster(4, DIRECT), frontendBytesPerSecond: Infinity };
  assert.deepEqual(seconds(run(withNodes(calm, () => nodes))), [0, 0, 0, 0]);
});

for (const [frontends, releases] of [
  [1, [2, 2, 4, 4]],
  [2, [1, 1, 2, 2]],
] as const) {
  void test(`\`simulate\` shares the links of ${frontends} frontends among two senders`, () => {
    const outcome = run({ ...equalCluster(4, { ...DIRECT, senders: 2 }), frontends });
    assert.deepEqual(seconds(outcome), releases);
  });
}

void test('`simulate` gives each frontend a disk of its own', () => {
  const calm = equalCluster(2, { ...DIRECT, senders: 2 });
  const disk = { frontendDiskWriteBytesPerSecond: SLOT_BYTES / 4 };
  assert.deepEqual(seconds(run({ ...calm, ...disk, frontends: 2 })), [4, 4]);
});

void test('`simulate` gives a pull to the frontend with the fewest', () => {
  // The second frontend has a long pull while the first one gets two short ones.
  const calm = equalCluster(3, { ...DIRECT, senders: 2 });
  const sizes = [1, 4, 2];
  const nodes = withNodes(calm, (place) => ({
    images: [{ id: `image${place}`, bytes: (sizes[place] ?? 0) * SLOT_BYTES }],
    joinSeconds: place * 0.01,
  }));
  const { transfers } = run({ ...nodes, patienceSeconds: 0, frontends: 2 });
  const ends = transfers.map(({ image, endSeconds }) => `${image} at ${endSeconds.toFixed(2)}`);
  assert.deepEqual(ends.toSorted(), ['image0 at 1.00', 'image1 at 4.01', 'image2 at 3.00']);
});

void test('`simulate` moves what a family has in common to the frontend once', () => {
  const outcome = run(ofFamily(equalCluster(3, DIRECT)));
  assert.deepEqual(seconds(outcome), [1, 1.25, 1.5]);
  assert.deepEqual(
    outcome.transfers.map(({ bytes }) => bytes),
    [SLOT_BYTES, SLOT_BYTES / 4, SLOT_BYTES / 4],
  );
});

void test('`simulate` moves what a family has in common to no node that has its own', () => {
  const outcome = run(ofFamily(equalCluster(3)));
  const relay = outcome.transfers.find((transfer) => transfer.to.startsWith('n'));
  assert.equal(relay?.bytes, SLOT_BYTES / 4);
  assert.equal(relay?.endSeconds, 0.25);
});

void test('`simulate` moves the common part twice when it is not safe before the second', () => {
  const calm = ofFamily(equalCluster(2, DIRECT));
  const outcome = run({ ...calm, syncSeconds: 0.5 });
  assert.deepEqual(seconds(outcome), [1.5, 2.5]);
});

function ofFamily(scenario: Scenario): Scenario {
  const family = { id: 'debian', sharedBytes: 0.75 * SLOT_BYTES };
  return withNodes(scenario, (place) => ({
    images: [{ id: `image${place}`, bytes: SLOT_BYTES, family }],
  }));
}

function withNodes(
  scenario: Scenario,
  change: (place: number) => Partial<SimulatedNode>,
): Scenario {
  const nodes = scenario.nodes.map((node, place) => Object.assign(node, change(place)));
  return { ...scenario, nodes };
}

function run(scenario: Scenario): Outcome {
  const outcome = simulate(scenario);
  assert.deepEqual(outcome.violations, []);
  return outcome;
}

function seconds(outcome: Outcome): number[] {
  return outcome.released.map((release) => release.seconds);
}
