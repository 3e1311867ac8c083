import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Planner, PlannerOptions } from '../../src/planner/types.ts';
import {
  arrived,
  failed,
  joined,
  plannerWith,
  present,
  rackOf,
  said,
  ways,
  type Joining,
} from './telling.ts';

void test('`handle` pulls from the node with the least left and stays with it', () => {
  const planner = afterFirst({ b: { sizes: [3] }, c: { sizes: [1, 1] }, d: { sizes: [2, 2] } });
  assert.deepEqual(ways(planner, arrived('t1')), ['c:1 c>frontend']);
  assert.deepEqual(ways(planner, arrived('t2')), ['c:2 c>frontend']);
  assert.deepEqual(ways(planner, arrived('t3')), ['b:1 b>frontend']);
});

void test('`handle` counts what is still to come onto a node when it chooses', () => {
  const planner = plannerWith();
  said(planner, ...present('first', { sizes: [50] }), ...joined('b', { sizes: [6] }));
  assert.deepEqual(ways(planner, ...present('a', { sizes: [5] })), ['a:1 a>b']);
  said(planner, ...joined('c', { sizes: [10] }));
  assert.deepEqual(ways(planner, arrived('t1')), ['c:1 c>frontend']);
});

void test('`handle` pulls from nodes in the order of their deadlines', () => {
  const planner = afterFirst({
    b: { sizes: [1] },
    c: { sizes: [9], deadline: 8 },
    d: { sizes: [9], deadline: 7 },
  });
  assert.deepEqual(ways(planner, arrived('t1')), ['d:1 d>frontend']);
  assert.deepEqual(ways(planner, arrived('t2')), ['c:1 c>frontend']);
  assert.deepEqual(ways(planner, arrived('t3')), ['b:1 b>frontend']);
});

void test('`handle` pulls from a node sooner when it counts for more', () => {
  const planner = afterFirst({ b: { sizes: [2] }, c: { sizes: [9], weight: 5 } });
  assert.deepEqual(ways(planner, arrived('t1')), ['c:1 c>frontend']);
});

void test('`handle` pulls from a node later when it stays', () => {
  const planner = afterFirst({ b: { sizes: [2] }, c: { sizes: [9] } });
  said(planner, { type: 'stays', node: 'b' });
  assert.deepEqual(ways(planner, arrived('t1')), ['c:1 c>frontend']);
});

void test('`handle` takes an image that has failed twice after the others', () => {
  const planner = afterFirst({ b: { sizes: [1] }, c: { sizes: [9] } }, { maxAttempts: 3 });
  assert.deepEqual(ways(planner, arrived('t1')), ['b:1 b>frontend']);
  assert.deepEqual(ways(planner, failed('t2', 'source')), ['b:1 b>frontend']);
  assert.deepEqual(ways(planner, failed('t3', 'source')), ['c:1 c>frontend']);
  assert.deepEqual(ways(planner, arrived('t4')), ['b:1 b>frontend']);
});

void test('`handle` does not start with a slow node until nobody else is waited for', () => {
  const planner = plannerWith();
  said(planner, { type: 'expected', nodes: 3 });
  assert.deepEqual(ways(planner, ...present('a', { up: 0.3 })), []);
  assert.deepEqual(ways(planner, ...present('b', { sizes: [9] })), ['b:1 b>frontend']);
  const alone = plannerWith();
  said(alone, { type: 'expected', nodes: 3 }, ...present('a', { up: 0.3 }));
  assert.deepEqual(ways(alone, { type: 'assembled' }), ['a:1 a>frontend']);
});

void test('`handle` starts with a slow node when it cannot relay', () => {
  const planner = plannerWith({ maxHops: 0 });
  said(planner, { type: 'expected', nodes: 3 });
  assert.deepEqual(ways(planner, ...present('a', { up: 0.3 })), ['a:1 a>frontend']);
});

void test('`handle` pulls from a node with too much for one slot without a break', () => {
  const planner = plannerWith({ senders: 2, maxHops: 0, frontendBytesPerSecond: 2 });
  said(planner, ...present('a', { sizes: [5] }), ...present('b', { sizes: [5] }));
  said(planner, ...present('c', { sizes: [2] }), ...present('d', { sizes: [3] }));
  said(planner, ...present('e', { sizes: [5, 5, 5] }));
  assert.deepEqual(ways(planner, arrived('t1')), ['e:1 e>frontend']);
  assert.deepEqual(ways(planner, arrived('t2')), ['c:1 c>frontend']);
});

void test('`handle` prefers a rack whose uplink is free to a node with less left', () => {
  const planner = plannerWith({ senders: 2, maxHops: 0 });
  said(planner, rackOf('r', 0.5), ...present('a', { rack: 'r', sizes: [5] }), ...present('first'));
  said(planner, ...present('b', { rack: 'r' }));
  for (const node of ['c', 'd', 'e']) said(planner, ...present(node, { sizes: [2] }));
  assert.deepEqual(ways(planner, arrived('t2')), ['c:1 c>frontend']);
  assert.deepEqual(ways(planner, arrived('t1')), ['b:1 b>frontend']);
});

void test('`handle` takes from a node that sends to a peer when nothing else is left', () => {
  const planner = plannerWith();
  said(planner, ...present('first'), ...joined('b', { sizes: [9] }));
  assert.deepEqual(ways(planner, ...present('a', { sizes: [2, 2] })), ['a:1 a>b']);
  assert.deepEqual(ways(planner, arrived('t1')), ['b:1 b>frontend']);
  assert.deepEqual(ways(planner, arrived('t3')), ['a:2 a>frontend']);
});

/** The frontend pulls from `first`, then it may choose among these. */
function afterFirst(
  waiting: Readonly<Record<string, Joining>>,
  options: Partial<PlannerOptions> = {},
): Planner {
  const planner = plannerWith({ maxHops: 0, ...options });
  said(planner, ...present('first'));
  for (const [node, joining] of Object.entries(waiting)) said(planner, ...present(node, joining));
  return planner;
}
