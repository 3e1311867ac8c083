import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRONTEND } from '../../src/planner/types.ts';
import { createNetwork } from '../../src/simulator/network.ts';
import type { Rack, Scenario } from '../../src/simulator/scenario.ts';
import { equalCluster } from './clusters.ts';

// Every resource has a rate of its own, by which it is known.
const NEAR: Rack = { upBytesPerSecond: 501, downBytesPerSecond: 502 };
const FAR: Rack = { upBytesPerSecond: 601, downBytesPerSecond: 602 };
const PLACES: readonly (Rack | undefined)[] = [NEAR, NEAR, FAR, undefined];

for (const [what, from, to, rates] of [
  ['nodes are in one rack', 'n1', 'n2', [103, 101, 202, 204]],
  ['nodes are in two racks', 'n1', 'n3', [103, 101, 501, 602, 302, 304]],
  ['only the sender is in a rack', 'n3', 'n4', [303, 301, 601, 402, 404]],
  ['only the receiver is in a rack', 'n4', 'n1', [403, 401, 502, 102, 104]],
  ['the frontend pulls from a rack', 'n2', FRONTEND, [203, 201, 501, 91, 92]],
  ['the frontend pulls from the core', 'n4', FRONTEND, [403, 401, 91, 92]],
] as const) {
  void test(`\`route\` has the disks and links on the way when ${what}`, () => {
    const route = createNetwork(cluster()).route(from, to);
    assert.deepEqual(
      route.map((resource) => resource.bytesPerSecond),
      rates,
    );
  });
}

void test('`route` shares an uplink when nodes have the same rack', () => {
  const { route } = createNetwork(cluster());
  const [first, second] = [route('n1', FRONTEND), route('n2', FRONTEND)];
  assert.equal(first[2], second[2]);
});

void test('`route` does not share an uplink when racks are merely alike', () => {
  const { nodes, ...rest } = cluster();
  const alike = nodes.map((node) => Object.assign(node, { rack: { ...NEAR } }));
  const { route } = createNetwork({ ...rest, nodes: alike });
  assert.notEqual(route('n1', FRONTEND)[2], route('n2', FRONTEND)[2]);
});

void test('`route` shares nothing at the target when frontends are two', () => {
  const { route } = createNetwork({ ...cluster(), frontends: 2 });
  const routes = [0, 1].map((frontend) => route('n4', FRONTEND, frontend));
  const [first, second] = routes.map((one) => one.map(({ bytesPerSecond }) => bytesPerSecond));
  assert.deepEqual(second, first);
  const shared = routes[0]?.filter((resource) => routes[1]?.includes(resource));
  assert.deepEqual(
    shared?.map(({ bytesPerSecond }) => bytesPerSecond),
    [403, 401],
  );
});

void test('`route` limits nothing by disks when their rates are not given', () => {
  const route = createNetwork(equalCluster(2)).route('n1', 'n2');
  assert.equal(route.length, 2);
});

function cluster(): Scenario {
  const calm = equalCluster(PLACES.length);
  const nodes = calm.nodes.map((node, place) => {
    const base = 100 * (place + 1);
    const rack = PLACES[place];
    const rates = {
      upBytesPerSecond: base + 1,
      downBytesPerSecond: base + 2,
      diskReadBytesPerSecond: base + 3,
      diskWriteBytesPerSecond: base + 4,
    };
    return Object.assign({ ...node, ...rates }, rack === undefined ? {} : { rack });
  });
  return { ...calm, nodes, frontendBytesPerSecond: 91, frontendDiskWriteBytesPerSecond: 92 };
}
