import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import {
  type Sketch,
  SKETCH_HASH_BYTES,
  SKETCH_HASH_LIMIT,
  SKETCH_HASHES,
} from '../../src/base/sketch.ts';
import { digestOf, zeroDigests } from '../../src/content/digest.ts';
import { createSketcher } from '../../src/content/sketch.ts';
import { CHUNK } from './fixtures.ts';

/** Large enough for any test, with a short last chunk. */
const SHAPE = { sizeBytes: 1e6 * CHUNK + 1, chunkSizeBytes: CHUNK };
const ZEROS = [zeroDigests(SHAPE).at(0), zeroDigests(SHAPE).at(1e6)];

void suite('createSketcher', () => {
  void test('`sketch` has the least hashes of all distinct chunks but zeros, in order', () => {
    const chunks = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 1200 });
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 100 }), (names, groupSize) => {
        // Chunks 0 and 1 are the zero chunks.
        const digests = names.map((name) => ZEROS[name] ?? digestOfName(name));
        const { chunks: count, hashes } = sketchOf(digests, groupSize);
        const distinct = new Set(digests.filter((digest) => !ZEROS.includes(digest)).map(hashOf));
        assert.deepEqual(hashes, [...distinct].toSorted(ascending).slice(0, SKETCH_HASHES));
        if (distinct.size <= SKETCH_HASHES) assert.equal(count, distinct.size);
        else assert.ok(count > SKETCH_HASHES && count <= names.length);
      }),
    );
  });

  void test('`sketch` tells apart exactly as many chunks as it has hashes, and one more', () => {
    const digests = digestsFrom(0, SKETCH_HASHES + 1);
    assert.equal(sketchOf(digests.slice(1)).chunks, SKETCH_HASHES);
    assert.equal(sketchOf(digests).chunks, SKETCH_HASHES + 1);
  });

  void test('`sketch` counts many chunks well, however often they are repeated', () => {
    for (const count of [1000, 20_000]) {
      const digests = digestsFrom(0, count);
      const found = sketchOf([...digests, ...digests, ...digests]).chunks;
      // Four standard errors of 1/√(k − 2).
      assert.ok(Math.abs(found / count - 1) < 0.36, `${found} of ${count}`);
    }
  });

  void test('two sketches tell how much of one image is in the other', () => {
    const own = sketchOf(digestsFrom(0, 8000));
    for (const share of [0, 0.25, 0.5, 1]) {
      const other = sketchOf(digestsFrom(8000 * (1 - share), 8000));
      const found = containment(own, other);
      assert.ok(Math.abs(found - share) < 0.2, `${found}, wanted ${share}`);
    }
  });

  void test('`sketch` of an empty image is empty', () => {
    const sketcher = createSketcher({ sizeBytes: 0, chunkSizeBytes: CHUNK });
    sketcher.append(Buffer.alloc(0));
    assert.deepEqual(sketcher.sketch(), { chunks: 0, hashes: [] });
  });
});

function sketchOf(digests: readonly Buffer[], groupSize = 64): Sketch {
  const sketcher = createSketcher(SHAPE);
  for (let at = 0; at < digests.length; at += groupSize) {
    sketcher.append(Buffer.concat(digests.slice(at, at + groupSize)));
  }
  return sketcher.sketch();
}

/** Estimate of the share of the chunks of `own` that `other` has: see Broder 1997. */
function containment(own: Sketch, other: Sketch): number {
  const union = [...new Set([...own.hashes, ...other.hashes])].toSorted(ascending);
  const sample = union.slice(0, SKETCH_HASHES);
  const common = sample.filter((hash) => own.hashes.includes(hash) && other.hashes.includes(hash));
  const limit = sample.at(-1) ?? SKETCH_HASH_LIMIT;
  return common.length / own.hashes.filter((hash) => hash <= limit).length;
}

function digestsFrom(from: number, count: number): Buffer[] {
  return Array.from({ length: count }, (_, place) => digestOfName(from + place + 2));
}

function digestOfName(name: number): Buffer {
  return digestOf(Buffer.from(`chunk ${name}`));
}

function hashOf(digest: Buffer): number {
  return Number.parseInt(digest.toString('hex').slice(0, 2 * SKETCH_HASH_BYTES), 16);
}

function ascending(left: number, right: number): number {
  return left - right;
}
