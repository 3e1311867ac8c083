import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Planner } from '../../src/planner/types.ts';
import {
  arrived,
  durable,
  failed,
  joined,
  numbers,
  plannerWith,
  present,
  rackOf,
  said,
  ways,
  type Joining,
} from './telling.ts';

// Nodes that have not named all images only receive: whoever is `present` last chooses among them.

void test('`handle` drains a node onto the most loaded of the others', () => {
  const planner = busy({ b: { sizes: [30] }, c: { sizes: [50] }, d: { sizes: [40] } });
  assert.deepEqual(ways(planner, ...present('a', { sizes: [20] })), ['a:1 a>c']);
});

void test('`handle` drains the least loaded of several nodes first', () => {
  const planner = busy({});
  ways(planner, ...present('b', { sizes: [4] }), ...present('c', { sizes: [2] }));
  ways(planner, ...present('d', { sizes: [3] }));
  assert.deepEqual(ways(planner, ...joined('e', { sizes: [9] })), ['d:1 d>e']);
});

void test('`handle` lets a node receive from one other at a time when that fills its link', () => {
  const planner = busy({ b: { sizes: [50] } });
  assert.deepEqual(ways(planner, ...present('a')), ['a:1 a>b']);
  assert.deepEqual(ways(planner, ...present('c')), []);
  assert.deepEqual(ways(planner, arrived('t2')), ['c:1 c>b']);
});

void test('`handle` lets slow senders share a receiver', () => {
  const planner = busy({ b: { sizes: [50] } });
  const slow = { up: 0.5 };
  assert.deepEqual(ways(planner, ...present('a', slow)), ['a:1 a>b']);
  assert.deepEqual(ways(planner, ...present('c', slow)), ['c:1 c>b']);
  assert.deepEqual(ways(planner, ...present('d', slow)), []);
});

void test('`handle` never drains onto a slower node', () => {
  const slow = { b: { sizes: [5], up: 0.4 }, full: { sizes: [90], roomBytes: 0 } };
  assert.deepEqual(ways(busy(slow), ...present('a')), []);
  assert.deepEqual(ways(busy(slow), ...present('a', { up: 0.1 })), ['a:1 a>b']);
});

void test('`handle` does not drain onto a node that takes too little of what the sender gives', () => {
  const planner = busy({ b: { sizes: [50], down: 0.4 } });
  assert.deepEqual(ways(planner, ...present('a')), []);
});

void test('`handle` stays in the rack when the load of the receivers differs only', () => {
  const planner = plannerWith();
  said(planner, rackOf('r', 9), rackOf('s', 9), ...present('first', { sizes: [50] }));
  said(planner, ...joined('b', { sizes: [40], rack: 's' }));
  said(planner, ...joined('c', { sizes: [30], rack: 'r' }));
  assert.deepEqual(ways(planner, ...present('a', { sizes: [20], rack: 'r' })), ['a:1 a>c']);
});

void test('`handle` leaves the uplink of a rack to the frontend', () => {
  const planner = plannerWith();
  said(planner, rackOf('r', 1), ...present('first', { sizes: [50] }));
  said(planner, ...joined('b', { sizes: [40] }));
  assert.deepEqual(ways(planner, ...present('a', { sizes: [20], rack: 'r' })), []);
});

void test('`handle` puts like onto like', () => {
  const planner = busy({
    b: { sizes: [40], chunks: numbers(40, 100) },
    c: { sizes: [30], chunks: numbers(40) },
  });
  const alike = { sizes: [10], chunks: numbers(20) };
  assert.deepEqual(ways(planner, ...present('a', alike)), ['a:1 a>c']);
});

void test('`handle` waits for a node with the like when only a strange one is free', () => {
  const planner = busy({ b: { sizes: [40] }, c: { sizes: [50], chunks: numbers(40) } });
  said(planner, ...present('d', { sizes: [5], chunks: numbers(20) }));
  assert.deepEqual(ways(planner, ...present('a', { sizes: [5], chunks: numbers(20) })), []);
  assert.deepEqual(ways(planner, arrived('t2')), ['a:1 a>c']);
});

void test('`handle` splits a node over two receivers when neither has room for all', () => {
  const planner = busy({
    b: { sizes: [30], roomBytes: 5 },
    c: { sizes: [30], roomBytes: 9 },
  });
  assert.deepEqual(ways(planner, ...present('a', { sizes: [5, 8] })), ['a:1 a>b']);
  assert.deepEqual(ways(planner, arrived('t2')), ['a:2 a>c']);
  assert.deepEqual(ways(planner, durable('t2')), []);
  assert.deepEqual(ways(planner, arrived('t3'), durable('t3')), ['release a']);
});

void test('`handle` relays nothing of a node when there is no room for all of it', () => {
  const planner = busy({ b: { sizes: [30], roomBytes: 5 }, c: { sizes: [30], roomBytes: 7 } });
  assert.deepEqual(ways(planner, ...present('a', { sizes: [5, 8] })), []);
});

void test('`handle` keeps the room that a drain needs from others', () => {
  const planner = busy({ b: { sizes: [30], roomBytes: 10 } });
  assert.deepEqual(ways(planner, ...present('a', { sizes: [4, 4] })), ['a:1 a>b']);
  assert.deepEqual(ways(planner, ...present('c', { sizes: [3] }), arrived('t2')), ['a:2 a>b']);
});

void test('`handle` sends from a node with a soon deadline onto one with a late one', () => {
  const planner = busy({ b: { sizes: [10], deadline: 9 }, c: { sizes: [99], deadline: 3 } });
  assert.deepEqual(ways(planner, ...present('a', { sizes: [20], deadline: 5 })), ['a:1 a>b']);
});

void test('`handle` sends from a node that counts for more onto one that counts for less', () => {
  const planner = busy({ b: { sizes: [5] } });
  assert.deepEqual(ways(planner, ...present('a', { sizes: [20], weight: 5 })), ['a:1 a>b']);
});

void test('`handle` does not send to a node again when it could not reach it', () => {
  const planner = busy({ b: { sizes: [30] }, c: { sizes: [20] } });
  assert.deepEqual(ways(planner, ...present('a')), ['a:1 a>b']);
  assert.deepEqual(ways(planner, failed('t2', 'link')), ['a:1 a>c']);
});

/** The frontend pulls from `first` while these wait for somebody who sends to them. */
function busy(waiting: Readonly<Record<string, Joining>>): Planner {
  const planner = plannerWith();
  said(planner, ...present('first', { sizes: [50] }));
  for (const [node, joining] of Object.entries(waiting)) said(planner, ...joined(node, joining));
  return planner;
}
