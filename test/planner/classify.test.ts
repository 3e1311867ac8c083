import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SKETCH_HASHES } from '../../src/base/sketch.ts';
import { applyEvent } from '../../src/planner/events.ts';
import { createState, type Image, type State } from '../../src/planner/state.ts';
import type { PlannerEvent } from '../../src/planner/types.ts';
import { joined, numbers, OPTIONS, sketched } from './telling.ts';

void test('`classify` gives the founder its share when the second of a kind comes', () => {
  const state = told(joined('a', { sizes: [100], chunks: numbers(40) }));
  const founder = imageOf(state, 'a:1');
  assert.equal(founder.sharedShare, 0);
  tell(state, joined('b', { sizes: [50], chunks: numbers(20) }));
  assert.equal(founder.sharedShare, 0.5);
  assert.equal(imageOf(state, 'b:1').sharedShare, 1);
  assert.equal(imageOf(state, 'b:1').kin, founder.kin);
  tell(state, joined('c', { sizes: [100], chunks: numbers(40) }));
  assert.equal(founder.sharedShare, 0.5);
});

void test('`classify` counts loads without what is shared', () => {
  const state = told(joined('a', { sizes: [100], chunks: numbers(40) }));
  tell(state, joined('b', { sizes: [50, 10], chunks: numbers(20) }));
  const seated = [...state.nodes.values()].map(({ loadBytes }) => loadBytes);
  assert.deepEqual(seated, [50, 0]);
  assert.equal(state.seatedBytes, 50);
});

void test('`classify` keeps images apart when they have less than a quarter in common', () => {
  const state = told(joined('a', { chunks: numbers(40, 100) }));
  tell(state, joined('b', { chunks: numbers(40, 131) }));
  tell(state, joined('c', { chunks: numbers(40, 70) }));
  const [a, b, c] = ['a:1', 'b:1', 'c:1'].map((id) => imageOf(state, id).kin);
  assert.notEqual(a, b);
  assert.equal(a, c);
});

void test('`classify` takes the kind of which an image has most', () => {
  const state = told(joined('a', { chunks: numbers(40) }));
  tell(state, joined('b', { chunks: numbers(40, 100) }));
  tell(state, joined('c', { chunks: [...numbers(15), ...numbers(25, 100)] }));
  assert.equal(imageOf(state, 'c:1').kin, imageOf(state, 'b:1').kin);
});

void test('`classify` tells 64 kinds apart at most', () => {
  const state = told([]);
  for (const number of numbers(70)) {
    tell(state, joined(`n${number}`, { chunks: numbers(4, 4 * number) }));
  }
  assert.equal(state.kin.length, 64);
  assert.equal(imageOf(state, 'n69:1').kin, undefined);
});

void test('`classify` counts the nodes that have something of a kind', () => {
  const state = told(joined('a', { sizes: [1, 1], chunks: numbers(9) }));
  tell(state, joined('b', { chunks: numbers(9) }));
  assert.equal(state.kin[0]?.holders, 2);
  tell(state, [{ type: 'spoiled', node: 'a', image: 'a:1' }]);
  assert.equal(state.kin[0]?.holders, 2);
  tell(state, [{ type: 'lost', node: 'a' }]);
  assert.equal(state.kin[0]?.holders, 1);
});

void test('`classify` leaves an image alone when it is all zeros or has a kind already', () => {
  const state = told(joined('a', { chunks: [] }));
  assert.equal(imageOf(state, 'a:1').kin, undefined);
  tell(state, [sketched('a:1', numbers(SKETCH_HASHES)), sketched('a:1', numbers(9, 500))]);
  assert.equal(state.kin.length, 1);
});

function told(events: readonly PlannerEvent[]): State {
  const state = createState(OPTIONS);
  tell(state, events);
  return state;
}

function tell(state: State, events: readonly PlannerEvent[]): void {
  for (const event of events) applyEvent(state, event);
}

function imageOf(state: State, id: string): Image {
  const image = state.images.get(id);
  assert.ok(image !== undefined);
  return image;
}
