import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recentFrames } from '../../../src/host/cache/recent-frames.ts';

void test('`recentFrames` keeps copies of the latest frames, within its bytes', () => {
  const frames = recentFrames(100);
  const reused = Buffer.alloc(40, 1);
  frames.put(0, reused);
  reused.fill(2);
  frames.put(1, reused);
  assert.deepEqual(Buffer.from(frames.get(0) ?? []), Buffer.alloc(40, 1));
  frames.put(2, reused);
  assert.equal(frames.get(0), undefined);
  assert.ok(frames.get(1) && frames.get(2));
  frames.put(1, Buffer.alloc(10));
  frames.put(3, Buffer.alloc(40));
  assert.ok(frames.get(1) && frames.get(2) && frames.get(3));
  frames.put(4, Buffer.alloc(101));
  for (const position of [1, 2, 3, 4]) assert.equal(frames.get(position), undefined);
});
