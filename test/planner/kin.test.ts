import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SKETCH_HASHES, type Sketch } from '../../src/base/sketch.ts';
import { sharedChunks } from '../../src/planner/kin.ts';
import { uniformOf } from '../../src/simulator/chance.ts';
import { numbers } from './telling.ts';

void test('`sharedChunks` is exact when both sketches are whole', () => {
  const chunks = fc.uniqueArray(fc.nat({ max: 60 }), { maxLength: 40 });
  fc.assert(
    fc.property(chunks, chunks, (left, right) => {
      const common = left.filter((chunk) => right.includes(chunk)).length;
      assertNear(sharedChunks(whole(left), whole(right)), common, 1e-9);
    }),
    { seed: 2009 },
  );
});

void test('`sharedChunks` is the same when its arguments change places', () => {
  const sketch = fc.uniqueArray(fc.nat({ max: 900 }), { maxLength: 300 }).map(sketchOf);
  fc.assert(
    fc.property(sketch, sketch, (left, right) => {
      assert.equal(sharedChunks(left, right), sharedChunks(right, left));
    }),
    { seed: 2009 },
  );
});

for (const share of [0, 0.1, 0.5, 0.9, 1]) {
  void test(`\`sharedChunks\` is about right when ${100 * share} % of big images are common`, () => {
    const size = 4096;
    const common = size * share;
    const left = sketchOf(hashesOf([...numbers(common), ...numbers(size - common, size)]));
    const right = sketchOf(hashesOf([...numbers(common), ...numbers(size - common, 2 * size)]));
    // Three times the deviation of an estimate from so many hashes.
    assertNear(sharedChunks(left, right) / size, share, 3 / Math.sqrt(SKETCH_HASHES));
  });
}

void test('`sharedChunks` is about right when a small image is part of a big one', () => {
  const big = sketchOf(hashesOf(numbers(400)));
  const small = whole(hashesOf(numbers(100)));
  assertNear(sharedChunks(small, big), 100, 40);
});

void test('`sharedChunks` is 0 when an image has no chunks', () => {
  assert.equal(sharedChunks(whole([]), whole([])), 0);
  assert.equal(sharedChunks(whole([]), sketchOf(numbers(500))), 0);
});

/** Random numbers, the same for the same chunk. */
function hashesOf(chunks: readonly number[]): number[] {
  return chunks.map((chunk) => uniformOf(`chunk ${chunk}`)());
}

function whole(hashes: readonly number[]): Sketch {
  return { chunks: hashes.length, hashes: sorted(hashes) };
}

function sketchOf(hashes: readonly number[]): Sketch {
  return { chunks: hashes.length, hashes: sorted(hashes).slice(0, SKETCH_HASHES) };
}

function sorted(hashes: readonly number[]): number[] {
  return hashes.toSorted((one, other) => one - other);
}

function assertNear(actual: number, expected: number, slack: number): void {
  assert.ok(Math.abs(actual - expected) <= slack, `${actual} is not ${expected}`);
}
