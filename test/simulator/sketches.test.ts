import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SKETCH_HASHES, SKETCH_HASH_LIMIT, type Sketch } from '../../src/base/sketch.ts';
import { createSketcher } from '../../src/simulator/sketches.ts';

const CHUNK_BYTES = 131_072;

/** Chunks of one image: those in common with its family, and its own. */
interface Chunks {
  readonly shared: number;
  readonly own: number;
}

void test('`createSketcher` has the least hashes of many chunks, and all of few', () => {
  const few = sketchOf('few', { shared: 30, own: 20 });
  assert.equal(few.chunks, 50);
  assert.equal(few.hashes.length, 50);
  const many = sketchOf('many', { shared: 300, own: 200 });
  assert.equal(many.chunks, 500);
  assert.equal(many.hashes.length, SKETCH_HASHES);
});

void test('`createSketcher` counts parts of chunks as an image’s own', () => {
  const family = { id: 'debian', sharedBytes: 2.5 * CHUNK_BYTES };
  const image = { id: 'odd', bytes: 3 * CHUNK_BYTES + 1, family };
  assert.equal(createSketcher()(image, family).chunks, 4);
  const whole = { id: 'debian', sharedBytes: 2 * CHUNK_BYTES };
  assert.deepEqual(
    createSketcher()({ ...image, family: whole }, whole),
    createSketcher()(image, family),
  );
});

void test('`createSketcher` has ascending hashes within the limit when chunks are any', () => {
  fc.assert(
    fc.property(fc.nat({ max: 5000 }), fc.nat({ max: 5000 }), (shared, own) => {
      const { chunks, hashes } = sketchOf('any', { shared, own });
      assert.equal(chunks, shared + own);
      assert.equal(hashes.length, Math.min(chunks, SKETCH_HASHES));
      for (const [place, hash] of hashes.entries()) {
        assert.ok(Number.isInteger(hash) && hash > (hashes[place - 1] ?? -1));
        assert.ok(hash < SKETCH_HASH_LIMIT);
      }
    }),
    { seed: 2009, numRuns: 300 },
  );
});

void test('`createSketcher` draws the same whatever was drawn before', () => {
  const sketcher = createSketcher();
  const sizes = [700, 3, 20_000, 700];
  const after = sizes.map((shared) => sketchWith(sketcher, 'image', { shared, own: 40 }));
  assert.deepEqual(
    after,
    sizes.map((shared) => sketchOf('image', { shared, own: 40 })),
  );
});

void test('`createSketcher` has in a prefix all hashes that are in a longer part and less', () => {
  const sizes = fc.integer({ min: 1, max: 100_000 });
  fc.assert(
    fc.property(sizes, sizes, (left, right) => {
      const shorter = new Set(sketchOf('a', { shared: Math.min(left, right), own: 0 }).hashes);
      const longer = sketchOf('b', { shared: Math.max(left, right), own: 0 }).hashes;
      const last = longer.at(-1) ?? 0;
      const missing = [...shorter].filter((hash) => hash <= last && !longer.includes(hash));
      assert.deepEqual(missing, []);
    }),
    { seed: 2009, numRuns: 300 },
  );
});

for (const [left, right, expected] of [
  [{ shared: 8000, own: 0 }, { shared: 8000, own: 0 }, 1],
  [{ shared: 8000, own: 0 }, { shared: 4000, own: 0 }, 1 / 2],
  [{ shared: 8000, own: 2000 }, { shared: 8000, own: 2000 }, 2 / 3],
  [{ shared: 8000, own: 2000 }, { shared: 5000, own: 7000 }, 5 / 17],
  [{ shared: 0, own: 8000 }, { shared: 0, own: 8000 }, 0],
] as const) {
  const words = `${left.shared} + ${left.own} and ${right.shared} + ${right.own} chunks`;
  void test(`\`createSketcher\` has a resemblance near the true one for ${words}`, () => {
    const pairs = Array.from({ length: 100 }, (_, place) => {
      const family = `family${place}`;
      return resemblance(
        sketchOf(`left${place}`, left, family),
        sketchOf(`right${place}`, right, family),
      );
    });
    const mean = pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
    // Three times the deviation of the mean of so many sketches.
    const tolerance = 3 * Math.sqrt((expected * (1 - expected)) / SKETCH_HASHES / pairs.length);
    assert.ok(Math.abs(mean - expected) <= tolerance, `${mean} is not near ${expected}`);
  });
}

void test('`createSketcher` has a least hash as low as the number of chunks makes it', () => {
  const means = [1, 10, 1000].map((own) => {
    const least = Array.from(
      { length: 2000 },
      (_, place) => (sketchOf(`image${place}`, { shared: 0, own }).hashes[0] ?? 0) * (own + 1),
    );
    return least.reduce((sum, hash) => sum + hash, 0) / 2000 / SKETCH_HASH_LIMIT;
  });
  for (const mean of means) assert.ok(Math.abs(mean - 1) < 0.07, means.join(', '));
});

/** Estimated as the share of the least hashes of both that are in both (Broder 1997). */
function resemblance({ hashes: left }: Sketch, { hashes: right }: Sketch): number {
  const union = [...new Set([...left, ...right])].toSorted((a, b) => a - b);
  const least = union.slice(0, SKETCH_HASHES);
  const both = least.filter((hash) => left.includes(hash) && right.includes(hash));
  return both.length / least.length;
}

function sketchOf(image: string, chunks: Chunks, family = 'debian'): Sketch {
  return sketchWith(createSketcher(), image, chunks, family);
}

function sketchWith(
  sketcher: ReturnType<typeof createSketcher>,
  id: string,
  { shared, own }: Chunks,
  name = 'debian',
): Sketch {
  const family = { id: name, sharedBytes: shared * CHUNK_BYTES };
  return sketcher({ id, bytes: (shared + own) * CHUNK_BYTES, family }, family);
}
