import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Planner } from '../../src/planner/types.ts';
import { arrived, durable, failed, joined, plannerWith, present, said } from './telling.ts';

void test('`handle` releases a node at once when it has no images', () => {
  const planner = plannerWith();
  assert.deepEqual(said(planner, { type: 'joined', node: 'a', roomBytes: 0 }), []);
  assert.deepEqual(said(planner, { type: 'listed', node: 'a' }), ['release a']);
  assert.ok(planner.idle());
});

void test('`handle` pulls before a node has named all images but does not release it', () => {
  const planner = plannerWith();
  assert.deepEqual(said(planner, ...joined('a')), ['t1 a:1 a>frontend']);
  assert.deepEqual(said(planner, arrived('t1'), durable('t1')), []);
  assert.deepEqual(said(planner, { type: 'listed', node: 'a' }), ['release a']);
});

void test('`handle` uses the links of an arrived copy but releases only when it is durable', () => {
  const planner = paired();
  assert.deepEqual(said(planner, arrived('t2')), []);
  assert.deepEqual(said(planner, arrived('t1')), ['t3 c:1 c>frontend']);
  assert.deepEqual(said(planner, durable('t1')), ['release a']);
  assert.deepEqual(said(planner, arrived('t3')), []);
  assert.deepEqual(said(planner, durable('t2')), ['t4 b:1 c>frontend', 'release b']);
});

void test('`handle` falls back to the original when a receiver is lost with a copy', () => {
  const planner = paired();
  const more = { type: 'held', node: 'b', image: 'b:2', bytes: 1 } as const;
  said(planner, more, arrived('t2'), durable('t2'));
  assert.deepEqual(said(planner, { type: 'lost', node: 'c' }), ['give-up c:1 no-copy']);
  assert.deepEqual(said(planner, arrived('t1'), arrived('t4')), [
    't4 b:2 b>frontend',
    't5 b:1 b>frontend',
  ]);
});

void test('`handle` waits for a copy that is landing when its sender is lost', () => {
  const planner = paired();
  said(planner, arrived('t2'));
  assert.deepEqual(said(planner, { type: 'lost', node: 'b' }), []);
  assert.deepEqual(said(planner, durable('t2')), []);
  assert.deepEqual(said(planner, arrived('t1')), ['t3 c:1 c>frontend']);
});

void test('`handle` gives up an image when its only copy is lost on the way', () => {
  const planner = paired();
  assert.deepEqual(said(planner, { type: 'lost', node: 'b' }), ['give-up b:1 no-copy']);
  assert.deepEqual(said(planner, failed('t2', 'source')), []);
});

void test('`handle` takes a given-up image back when a late copy turns out durable', () => {
  const planner = paired();
  said(planner, { type: 'lost', node: 'b' });
  assert.deepEqual(said(planner, durable('t2')), []);
  assert.deepEqual(said(planner, arrived('t1'), arrived('t3')), [
    't3 c:1 c>frontend',
    't4 b:1 c>frontend',
  ]);
});

void test('`handle` holds the node when the tries of its image are used up', () => {
  const planner = plannerWith();
  said(planner, ...present('a'));
  assert.deepEqual(said(planner, failed('t1', 'source')), ['t2 a:1 a>frontend']);
  assert.deepEqual(said(planner, failed('t2', 'source')), ['give-up a:1 attempts']);
  assert.ok(planner.idle());
});

void test('`handle` does not use a receiver again when it was blamed for the image', () => {
  const planner = paired();
  said(planner, ...present('d', { sizes: [5] }));
  assert.deepEqual(said(planner, failed('t2', 'target')), ['t3 b:1 b>d']);
});

void test('`handle` makes a detour when a node does not reach the frontend', () => {
  const planner = plannerWith();
  said(planner, ...present('a'));
  said(planner, ...present('b'));
  assert.deepEqual(said(planner, failed('t1', 'link')), ['t2 a:1 a>b', 't3 b:1 b>frontend']);
});

void test('`handle` lets one of two copies count when two nodes hold an image', () => {
  const planner = plannerWith();
  said(planner, ...present('a'));
  const spooled = { type: 'held', node: 'b', image: 'b:1', bytes: 1 } as const;
  said(planner, ...joined('k', { sizes: [4] }));
  said(planner, { ...spooled, node: 'k' }, { type: 'listed', node: 'k' });
  assert.deepEqual(said(planner, ...present('b')), ['release b']);
});

void test('`handle` keeps a node when it stays or its original is spoiled', () => {
  const planner = plannerWith();
  said(planner, ...present('a'), ...present('b'));
  said(planner, { type: 'stays', node: 'a' });
  assert.deepEqual(said(planner, { type: 'spoiled', node: 'b', image: 'b:1' }), [
    'give-up b:1 no-copy',
  ]);
  assert.deepEqual(said(planner, arrived('t1'), durable('t1')), []);
  assert.ok(planner.idle());
});

void test('`handle` starts more pulls when more senders are allowed', () => {
  const planner = plannerWith({ maxHops: 0 });
  said(planner, ...present('a'), ...present('b'), ...present('c'));
  assert.deepEqual(said(planner, { type: 'senders-allowed', senders: 2 }), ['t2 b:1 b>frontend']);
  assert.deepEqual(said(planner, { type: 'senders-allowed', senders: 1 }, arrived('t1')), []);
  assert.deepEqual(said(planner, arrived('t2')), ['t3 c:1 c>frontend']);
});

void test('`handle` accepts a node again when it joins after it was lost', () => {
  const planner = plannerWith();
  said(planner, ...present('a'));
  assert.deepEqual(said(planner, { type: 'lost', node: 'a' }), ['give-up a:1 no-copy']);
  assert.deepEqual(said(planner, ...present('a')), ['t2 a:1 a>frontend']);
});

/** The frontend pulls from a, and b drains to the larger c. */
function paired(): Planner {
  const planner = plannerWith();
  said(planner, ...present('a'), ...present('b'));
  assert.deepEqual(said(planner, ...present('c', { sizes: [2] })), ['t2 b:1 b>c']);
  return planner;
}
