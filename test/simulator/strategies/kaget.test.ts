import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRONTEND } from '../../../src/planner/types.ts';
import { kaget } from '../../../src/simulator/strategies/kaget.ts';
import { runStrategy } from '../../../src/simulator/strategies/run-strategy.ts';
import { equalCluster } from '../clusters.ts';

// One slot (τ) is one second. With two children n1 and n2 are relays, n3 and n5 are below n1, n4
// and n6 below n2.

void test('`kaget` sends nothing before all nodes have joined', () => {
  const calm = equalCluster(3);
  const nodes = calm.nodes.map((node, place) => Object.assign(node, { joinSeconds: 5 * place }));
  const { outcome } = runStrategy(kaget(), { ...calm, nodes });
  assert.deepEqual(
    outcome.transfers.map(({ startSeconds }) => startSeconds),
    [10, 10, 10],
  );
});

void test('`kaget` sends the image of a relay first and then those below it as they came', () => {
  const { outcome } = runStrategy(kaget(2), equalCluster(6));
  const arrivals = outcome.transfers.filter(({ to }) => to === FRONTEND);
  assert.deepEqual(
    arrivals.map(({ from, image }) => `${from} sends ${image}`),
    ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'].map(
      (origin, place) => `${place % 2 === 0 ? 'n1' : 'n2'} sends ${origin}:image`,
    ),
  );
});

void test('`kaget` keeps a relay until all below it are done and counts it when it has sent', () => {
  const { outcome, curve } = runStrategy(kaget(2), equalCluster(6));
  assert.deepEqual(
    curve.points.map(({ seconds }) => Math.round(seconds)),
    [2, 2, 4, 4, 6, 6],
  );
  assert.deepEqual(
    outcome.released.map(({ node, seconds }) => `${node} at ${Math.round(seconds)}`).sort(),
    ['n1 at 6', 'n2 at 6', 'n3 at 4', 'n4 at 4', 'n5 at 6', 'n6 at 6'],
  );
});

void test('`kaget` goes past a relay that is lost or has no room', () => {
  const calm = equalCluster(4);
  const nodes = calm.nodes.map((node, place) =>
    place === 1 ? Object.assign(node, { roomBytes: 0 }) : node,
  );
  const { outcome } = runStrategy(kaget(2), {
    ...calm,
    nodes,
    faults: [{ kind: 'node-lost', atSeconds: 0.5, node: 'n1' }],
  });
  assert.deepEqual([...outcome.safeImages].sort(), ['n2:image', 'n3:image', 'n4:image']);
  assert.deepEqual(
    outcome.transfers.filter(({ state }) => state === 'durable').map(({ to }) => to),
    [FRONTEND, FRONTEND, FRONTEND],
  );
});
