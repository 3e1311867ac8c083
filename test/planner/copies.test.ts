import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Planner, PlannerOptions } from '../../src/planner/types.ts';
import { arrived, durable, failed, joined, plannerWith, present, said } from './telling.ts';

void test('`handle` releases a node after two relays when two copies are wanted', () => {
  const planner = copied();
  assert.deepEqual(said(planner, arrived('t2'), durable('t2')), ['t3 a:1 a>c']);
  assert.deepEqual(said(planner, arrived('t3')), []);
  assert.deepEqual(said(planner, durable('t3')), ['release a']);
});

void test('`handle` sends to the second receiver before the first copy is durable', () => {
  const planner = copied();
  assert.deepEqual(said(planner, arrived('t2')), ['t3 a:1 a>c']);
  assert.deepEqual(said(planner, arrived('t3'), durable('t3')), []);
  assert.deepEqual(said(planner, durable('t2')), ['release a']);
});

void test('`handle` takes the copy at the frontend for all that are wanted', () => {
  const planner = plannerWith({ copies: 3 });
  assert.deepEqual(said(planner, ...present('a')), ['t1 a:1 a>frontend']);
  assert.deepEqual(said(planner, arrived('t1'), durable('t1')), ['release a']);
});

void test('`handle` relays nothing when fewer others than wanted have room', () => {
  const planner = plannerWith({ copies: 2 });
  said(planner, ...present('first', { sizes: [50] }), ...joined('b', { sizes: [90] }));
  assert.deepEqual(said(planner, ...joined('c', { roomBytes: 0 }), ...present('a')), []);
});

void test('`handle` makes another copy when one of two is lost', () => {
  const planner = copied();
  said(planner, arrived('t2'), durable('t2'));
  assert.deepEqual(said(planner, { type: 'lost', node: 'b' }), ['give-up b:1 no-copy']);
  assert.deepEqual(said(planner, arrived('t3'), durable('t3')), ['t4 a:1 a>d']);
  assert.deepEqual(said(planner, arrived('t4'), durable('t4')), ['release a']);
});

void test('`handle` counts a copy that another node has from the start', () => {
  const planner = plannerWith({ copies: 2 });
  said(planner, ...present('first', { sizes: [50] }));
  said(planner, ...joined('b', { sizes: [90] }), ...joined('c', { sizes: [90] }));
  said(planner, { type: 'held', node: 'b', image: 'a:1', bytes: 1 });
  assert.deepEqual(said(planner, ...present('a')), ['t2 a:1 a>c']);
  assert.deepEqual(said(planner, arrived('t2'), durable('t2')), ['release a']);
});

void test('`handle` waits for a second copy when another node turns out to have one', () => {
  const planner = plannerWith({ copies: 2 });
  said(planner, ...present('first', { sizes: [50] }), ...joined('a', { sizes: [0] }));
  said(planner, ...joined('b', { sizes: [90] }));
  said(planner, { type: 'held', node: 'b', image: 'a:1', bytes: 0 });
  assert.ok(!said(planner, { type: 'listed', node: 'a' }).includes('release a'));
});

void test('`handle` does not count a copy any more when it is spoiled', () => {
  const planner = copied();
  said(planner, arrived('t2'), durable('t2'), { type: 'spoiled', node: 'b', image: 'a:1' });
  assert.deepEqual(said(planner, arrived('t3'), durable('t3')), ['t4 a:1 a>b']);
});

void test('`handle` starts no relay of another copy when the tries are used up', () => {
  const planner = copied({ copies: 3, maxAttempts: 1 });
  assert.deepEqual(said(planner, arrived('t2')), ['t3 a:1 a>c']);
  assert.deepEqual(said(planner, failed('t2', 'target'), arrived('t3')), []);
  assert.deepEqual(said(planner, durable('t3')), ['give-up a:1 attempts']);
});

/** The frontend is busy and a drains to b, then to c and d. */
function copied(options: Partial<PlannerOptions> = {}): Planner {
  const planner = plannerWith({ copies: 2, ...options });
  said(planner, ...present('first', { sizes: [50] }));
  for (const node of ['b', 'c', 'd']) said(planner, ...joined(node, { sizes: [90] }));
  assert.deepEqual(said(planner, ...present('a')), ['t2 a:1 a>b']);
  return planner;
}
