import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createAdditions, MAX_ADDITIONS } from '../../src/store/table-additions.ts';
import { createOrdinalSet } from '../../src/store/table-ordinals.ts';
import { anyRecords, sampleDigest, unpackRecords } from './chunk-table-samples.ts';

void test('`createAdditions` answers as a map does', () => {
  fc.assert(
    fc.property(fc.array(anyRecords, { maxLength: 4 }), fc.nat(7), (all, larger) => {
      const additions = createAdditions();
      const wanted = new Map<string, number>();
      for (const [place, records] of all.entries()) {
        for (const [hex, packedBytes] of records) {
          additions.add(Buffer.from(hex, 'hex'), packedBytes + place * larger);
          wanted.set(hex, packedBytes + place * larger);
        }
      }
      assert.equal(additions.count, wanted.size);
      assert.deepEqual(unpackRecords(Buffer.concat(additions.packed())), [...wanted]);
      for (const [hex, packedBytes] of wanted) {
        assert.equal(additions.find(Buffer.from(hex, 'hex')), packedBytes);
      }
      for (let seed = 90_000; seed < 90_100; seed += 1) {
        assert.equal(additions.find(sampleDigest(seed)), undefined);
      }
    }),
    { numRuns: 30 },
  );
});

void test('`createAdditions` holds at most 64 B a record, and no more than its limit', () => {
  const additions = createAdditions();
  const fixedBytes = additions.heldBytes + 1024 * 36;
  const digest = Buffer.alloc(32);
  for (let seed = 0; seed < MAX_ADDITIONS; seed += 1) {
    digest.writeUInt32LE(seed, seed % 28);
    additions.add(digest, 1);
    digest.writeUInt32LE(0, seed % 28);
    if (seed % 1000 !== 0) continue;
    assert.ok(additions.heldBytes <= 52 * additions.count + fixedBytes, `at ${seed}`);
  }
  while (additions.count < MAX_ADDITIONS) {
    digest.writeUInt32LE(additions.count, 0);
    digest.writeUInt32LE(1, 4);
    additions.add(digest, 1);
  }
  assert.ok(additions.heldBytes <= 64 * MAX_ADDITIONS);
  assert.throws(() => additions.add(Buffer.alloc(32, 1), 1), /no room/);
  digest.writeUInt32LE(MAX_ADDITIONS - 1, 0);
  additions.add(digest, 2);
  assert.equal(additions.find(digest), 2);
});

void test('`createOrdinalSet` answers as a set does', () => {
  const size = fc.integer({ min: 1, max: 300 });
  fc.assert(
    fc.property(size, fc.array(fc.nat(), { maxLength: 200 }), (limit, numbers) => {
      const ordinals = createOrdinalSet(limit);
      const wanted = new Set<number>();
      for (const number of numbers) {
        assert.equal(ordinals.add(number % limit), !wanted.has(number % limit));
        wanted.add(number % limit);
      }
      assert.equal(ordinals.count, wanted.size);
      for (let ordinal = 0; ordinal < limit; ordinal += 1) {
        assert.equal(ordinals.has(ordinal), wanted.has(ordinal));
      }
      assert.throws(() => ordinals.has(limit), /an ordinal/);
    }),
  );
});
