import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Planner, PlannerEvent } from '../../src/planner/types.ts';
import { arrived, durable, plannerWith, present, rackOf, said, ways } from './telling.ts';

// Three of five nodes are to be released early: two keep.
const FIVE: PlannerEvent = { type: 'expected', nodes: 5 };

void test('`handle` takes the most loaded nodes for keepers when loads differ', () => {
  const planner = targeting(FIVE);
  loaded(planner, { a: 1, b: 5, c: 2, d: 9 });
  assert.deepEqual(ways(planner, ...present('e', { sizes: [3] })), ['e:1 e>d', 'c:1 c>b']);
});

void test('`handle` waits with keepers until all are there when loads differ', () => {
  const planner = targeting(FIVE);
  assert.deepEqual(loaded(planner, { a: 1, b: 5, c: 2, d: 9 }), ['t1 a:1 a>frontend']);
  assert.deepEqual(ways(planner, { type: 'assembled' }), ['c:1 c>d']);
});

void test('`handle` does not wait with keepers when loads are alike', () => {
  const planner = targeting(FIVE);
  loaded(planner, { a: 10, b: 11 });
  assert.deepEqual(ways(planner, ...present('c', { sizes: [12] })), ['b:1 b>c']);
});

void test('`handle` lets slow nodes remain for the sake of a target', () => {
  const planner = targeting(FIVE);
  loaded(planner, { a: 4 });
  said(planner, ...present('b', { sizes: [4], up: 0.1 }));
  loaded(planner, { c: 4, d: 4 });
  assert.deepEqual(ways(planner, ...present('e', { sizes: [4] })), ['d:1 d>c', 'e:1 e>b']);
});

void test('`handle` prefers keepers that receive faster when loads are alike', () => {
  const planner = targeting(FIVE);
  loaded(planner, { a: 4 });
  for (const node of ['b', 'c']) said(planner, ...present(node, { sizes: [5], down: 0.1 }));
  said(planner, ...present('d', { sizes: [4] }));
  const last = ways(planner, ...present('e', { sizes: [4] }));
  assert.deepEqual(last, ['b:1 b>d', 'c:1 c>e']);
});

void test('`handle` takes keepers from each rack', () => {
  const planner = targeting(FIVE, rackOf('r', 9), rackOf('s', 9));
  for (const node of ['a', 'b']) said(planner, ...present(node, { sizes: [4], rack: 'r' }));
  said(planner, ...present('c', { sizes: [2], rack: 'r' }));
  said(planner, ...present('d', { sizes: [4], rack: 's' }));
  const last = ways(planner, ...present('e', { sizes: [4], rack: 's' }));
  assert.deepEqual(last, ['e:1 e>d', 'c:1 c>b']);
});

void test('`handle` lets keepers receive in turn until the target is reached', () => {
  const planner = targeting(FIVE);
  loaded(planner, { a: 1, b: 5, c: 2, d: 9, e: 3 });
  assert.deepEqual(said(planner, arrived('t1'), durable('t1')), ['t4 d:1 d>frontend', 'release a']);
  assert.deepEqual(said(planner, arrived('t3'), durable('t3')), ['release c']);
  assert.deepEqual(said(planner, arrived('t2'), durable('t2')), ['release e']);
});

void test('`handle` has the square root of all nodes for keepers when one hop is allowed', () => {
  const planner = plannerWith({ maxHops: 1 });
  said(planner, { type: 'expected', nodes: 4 });
  assert.deepEqual(loaded(planner, { a: 1, b: 1, c: 1 }), ['t1 a:1 a>frontend', 't2 c:1 c>b']);
});

function targeting(...events: readonly PlannerEvent[]): Planner {
  const planner = plannerWith({ objective: { kind: 'target', fraction: 0.6 } });
  assert.deepEqual(said(planner, ...events), []);
  return planner;
}

/** Nodes with so many bytes each; what the planner says to that. */
function loaded(planner: Planner, nodes: Readonly<Record<string, number>>): string[] {
  return Object.entries(nodes).flatMap(([node, bytes]) =>
    said(planner, ...present(node, { sizes: [bytes] })),
  );
}
