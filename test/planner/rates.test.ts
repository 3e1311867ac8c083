import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyEvent } from '../../src/planner/events.ts';
import { downSpeed, slowness, upSpeed } from '../../src/planner/rates.ts';
import { createState, type Node, type State } from '../../src/planner/state.ts';
import { abandon, beginPull } from '../../src/planner/transfers.ts';
import { arrived, numbers, OPTIONS, present } from './telling.ts';

void test('`learn` takes what a relay showed for the rate of both of its ends', () => {
  const state = clusterOf(2);
  move(state, { from: 'n0', to: 'n1', rate: 0.25 });
  assert.equal(upSpeed(state, nodeOf(state, 'n0')), 0.25);
  assert.equal(downSpeed(state, nodeOf(state, 'n1')), 0.25);
  assert.equal(downSpeed(state, nodeOf(state, 'n0')), 1);
});

void test('`learn` only ever raises what relays have shown', () => {
  const state = clusterOf(3);
  move(state, { from: 'n0', to: 'n1', rate: 0.5 });
  move(state, { from: 'n2', to: 'n1', rate: 0.25 });
  assert.equal(downSpeed(state, nodeOf(state, 'n1')), 0.5);
  move(state, { from: 'n2', to: 'n1', rate: 0.75 });
  assert.equal(downSpeed(state, nodeOf(state, 'n1')), 0.75);
  assert.equal(upSpeed(state, nodeOf(state, 'n2')), 0.75);
});

void test('`learn` calls a node slow when it does not fill the link of the frontend', () => {
  const state = clusterOf(2);
  move(state, { from: 'n0', rate: 0.3 });
  assert.equal(upSpeed(state, nodeOf(state, 'n0')), 0.3);
  assert.equal(slowness(state, nodeOf(state, 'n0')), 2);
  move(state, { from: 'n1', rate: 0.95 });
  assert.equal(slowness(state, nodeOf(state, 'n1')), 0);
});

void test('`learn` does not call a node slow when the frontend held it up', () => {
  const state = clusterOf(1, { up: 3 });
  move(state, { from: 'n0', rate: 0.95 });
  assert.equal(upSpeed(state, nodeOf(state, 'n0')), 3);
});

void test('`learn` believes four pulls when the frontend is slower than promised', () => {
  const state = clusterOf(4);
  for (const number of numbers(3)) move(state, { from: `n${number}`, rate: 0.5 });
  assert.equal(state.frontend.bytesPerSecond, 1);
  assert.equal(slowness(state, nodeOf(state, 'n0')), 1);
  move(state, { from: 'n3', rate: 0.4 });
  assert.equal(state.frontend.bytesPerSecond, 0.5);
  assert.equal(slowness(state, nodeOf(state, 'n0')), 0);
});

void test('`learn` believes four pulls when the frontend is faster than promised', () => {
  const state = clusterOf(4);
  for (const number of numbers(4)) move(state, { from: `n${number}`, rate: 2 });
  assert.equal(state.frontend.bytesPerSecond, 2);
  assert.equal(upSpeed(state, nodeOf(state, 'n0')), 1);
});

void test('`learn` believes the first pull when nothing was promised of the frontend', () => {
  const state = clusterOf(1, {}, { promised: undefined });
  move(state, { from: 'n0', rate: 7 });
  assert.equal(state.frontend.bytesPerSecond, 7);
});

void test('`learn` takes a pull for one sender of several', () => {
  const state = clusterOf(1, {}, { promised: undefined, senders: 3 });
  move(state, { from: 'n0', rate: 2 });
  assert.equal(state.frontend.bytesPerSecond, 6);
  assert.equal(slowness(state, nodeOf(state, 'n0')), 0);
});

void test('`handle` learns nothing from an arrival without a rate', () => {
  const state = clusterOf(2, { up: 0.5 });
  move(state, { from: 'n0', to: 'n1' });
  assert.deepEqual(nodeOf(state, 'n0').up, { bytesPerSecond: 0.5, isMeasured: false });
});

interface Known {
  readonly promised: number | undefined;
  readonly senders?: number;
}

/** As many nodes with an image each, and the rates that are promised. */
function clusterOf(
  count: number,
  link: { readonly up?: number } = {},
  { promised, senders = 1 }: Known = { promised: 1 },
): State {
  const { frontendBytesPerSecond: _, ...options } = OPTIONS;
  const rate = promised === undefined ? {} : { frontendBytesPerSecond: promised };
  const state = createState({ ...options, ...rate, senders });
  const events = numbers(count).flatMap((number) => present(`n${number}`, link));
  for (const event of events) applyEvent(state, event);
  return state;
}

/** An image goes to a node or, by default, to the frontend, and is then needed again. */
function move(
  state: State,
  { from, to, rate }: { readonly from: string; readonly to?: string; readonly rate?: number },
): void {
  const [replica] = state.images.get(`${from}:1`)?.replicas ?? [];
  assert.ok(replica !== undefined);
  beginPull(state, replica, to === undefined ? undefined : nodeOf(state, to));
  const { transfer } = replica;
  assert.ok(transfer !== undefined);
  applyEvent(state, arrived(transfer.id, rate));
  abandon(state, transfer);
}

function nodeOf(state: State, id: string): Node {
  const node = state.nodes.get(id);
  assert.ok(node !== undefined);
  return node;
}
