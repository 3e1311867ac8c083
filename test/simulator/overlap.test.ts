import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRONTEND } from '../../src/planner/types.ts';
import { createOverlap } from '../../src/simulator/overlap.ts';
import type { Scenario, SimulatedImage } from '../../src/simulator/scenario.ts';
import { equalCluster } from './clusters.ts';

// Each node has an image of 100 bytes, whose common part has so many more bytes.
const SMALL = kin('small', 20);
const MIDDLE = kin('middle', 50);
const LARGE = kin('large', 80);
const STRANGER: SimulatedImage = { id: 'stranger', bytes: 100, family: family('alpine', 60) };
const ALONE: SimulatedImage = { id: 'alone', bytes: 100 };

void test('`crossingBytes` has all of an image when nothing of its family is there', () => {
  const { crossingBytes } = createOverlap(clusterWith());
  assert.equal(crossingBytes(LARGE, FRONTEND), 100);
  assert.equal(crossingBytes(LARGE, 'n4'), 100);
  assert.equal(crossingBytes(LARGE, 'n5'), 100);
  assert.equal(crossingBytes(ALONE, 'n5'), 100);
});

void test('`crossingBytes` leaves out the lesser of two common parts when a node has its own', () => {
  const { crossingBytes } = createOverlap(clusterWith());
  assert.equal(crossingBytes(LARGE, 'n1'), 80);
  assert.equal(crossingBytes(SMALL, 'n3'), 80);
  assert.equal(crossingBytes(MIDDLE, 'n3'), 50);
});

void test('`crossingBytes` leaves out what the frontend has, the longest part first or last', () => {
  const overlap = createOverlap(clusterWith());
  overlap.landed({ image: MIDDLE, from: 'n2', to: FRONTEND });
  assert.equal(overlap.crossingBytes(LARGE, FRONTEND), 50);
  overlap.landed({ image: SMALL, from: 'n1', to: FRONTEND });
  assert.equal(overlap.crossingBytes(LARGE, FRONTEND), 50);
  assert.equal(overlap.crossingBytes(STRANGER, FRONTEND), 100);
});

void test('`crossingBytes` leaves out what is in a spool while it is there', () => {
  const overlap = createOverlap(clusterWith());
  overlap.landed({ image: MIDDLE, from: 'n2', to: 'n5' });
  overlap.landed({ image: LARGE, from: 'n3', to: 'n5' });
  assert.equal(overlap.crossingBytes(SMALL, 'n5'), 80);
  overlap.landed({ image: LARGE, from: 'n5', to: FRONTEND });
  assert.equal(overlap.crossingBytes(LARGE, 'n5'), 50);
  overlap.landed({ image: MIDDLE, from: 'n5', to: 'n4' });
  assert.equal(overlap.crossingBytes(LARGE, 'n5'), 100);
  assert.equal(overlap.crossingBytes(LARGE, 'n4'), 50);
});

void test('`crossingBytes` still leaves out a node’s own image when that is safe', () => {
  const overlap = createOverlap(clusterWith());
  overlap.landed({ image: MIDDLE, from: 'n2', to: FRONTEND });
  assert.equal(overlap.crossingBytes(LARGE, 'n2'), 50);
});

void test('`crossingBytes` leaves out what was sent on when too few others have it', () => {
  const overlap = createOverlap(clusterWith(3));
  overlap.landed({ image: LARGE, from: 'n3', to: 'n4' });
  overlap.landed({ image: LARGE, from: 'n4', to: 'n5' });
  assert.equal(overlap.crossingBytes(MIDDLE, 'n4'), 50);
  overlap.landed({ image: LARGE, from: 'n4', to: 'n6' });
  assert.equal(overlap.crossingBytes(MIDDLE, 'n4'), 100);
});

for (const gone of ['n3', 'n5']) {
  void test(`\`crossingBytes\` does not count ${gone}’s copy among the others when it has left`, () => {
    const overlap = createOverlap(clusterWith(3));
    overlap.landed({ image: LARGE, from: 'n3', to: 'n4' });
    overlap.landed({ image: LARGE, from: 'n4', to: 'n5' });
    overlap.left(gone);
    overlap.landed({ image: LARGE, from: 'n4', to: 'n6' });
    assert.equal(overlap.crossingBytes(MIDDLE, 'n4'), 50);
  });
}

function clusterWith(copies = 1): Scenario {
  const calm = equalCluster(6, { copies });
  const images = [SMALL, MIDDLE, LARGE, STRANGER, ALONE];
  const nodes = calm.nodes.map((node, place) =>
    Object.assign(node, { images: images.slice(place, place + 1) }),
  );
  return { ...calm, nodes };
}

function kin(id: string, sharedBytes: number): SimulatedImage {
  return { id, bytes: 100, family: family('debian', sharedBytes) };
}

function family(id: string, sharedBytes: number): { id: string; sharedBytes: number } {
  return { id, sharedBytes };
}
