import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRONTEND } from '../../../src/planner/types.ts';
import type { Scenario } from '../../../src/simulator/scenario.ts';
import { fixedKeepers } from '../../../src/simulator/strategies/keepers.ts';
import { runStrategy } from '../../../src/simulator/strategies/run-strategy.ts';
import { equalCluster } from '../clusters.ts';

const TWO = fixedKeepers({ name: 'keepers:two', words: 'two', keeperCount: () => 2 });

void test('`fixedKeepers` fills the most loaded nodes and no others', () => {
  const { outcome } = runStrategy(TWO, withLarge(equalCluster(12), ['n5', 'n9']));
  const receivers = outcome.transfers.map(({ to }) => to).filter((to) => to !== FRONTEND);
  assert.deepEqual(new Set(receivers), new Set(['n5', 'n9']));
});

void test('`fixedKeepers` spreads images evenly and relays each once at most', () => {
  const { outcome } = runStrategy(TWO, withLarge(equalCluster(14), ['n5', 'n9']));
  const relays = outcome.transfers.filter(({ to }) => to !== FRONTEND);
  assert.equal(new Set(relays.map(({ image }) => image)).size, relays.length);
  assert.equal(relays.length, 8);
  assert.equal(relays.filter(({ to }) => to === 'n5').length, 4);
});

void test('`fixedKeepers` tries an image again without a keeper when a relay has failed', () => {
  const { outcome } = runStrategy(TWO, {
    ...equalCluster(6),
    faults: [{ kind: 'transfer-fails', ordinal: 2, share: 0.5, blame: 'target' }],
  });
  const failed = outcome.transfers.find(({ state }) => state === 'failed');
  assert.ok(failed !== undefined && failed.to !== FRONTEND);
  const later = outcome.transfers.filter(
    ({ image, state }) => image === failed.image && state === 'durable',
  );
  assert.deepEqual(
    later.map(({ to }) => to),
    [FRONTEND],
  );
});

/** Those nodes have images of one and a half slots. */
function withLarge(calm: Scenario, large: readonly string[]): Scenario {
  const nodes = calm.nodes.map((node) =>
    large.includes(node.id)
      ? Object.assign(node, { images: node.images.map(({ id }) => ({ id, bytes: 1_500_000 })) })
      : node,
  );
  return { ...calm, nodes };
}
