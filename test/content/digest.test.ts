import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { digestOf, isZero, zeroDigests } from '../../src/content/digest.ts';
import { CHUNK } from './fixtures.ts';

void test('`digestOf` gives the SHA-256 of any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.deepEqual(digestOf(bytes), createHash('sha256').update(bytes).digest());
    }),
  );
});

void test('`isZero` finds the one byte that is not zero wherever it is', () => {
  const bytes = Buffer.alloc(2 * 1024 * 1024 + 17);
  assert.ok(isZero(bytes));
  assert.ok(isZero(Buffer.alloc(0)));
  for (const place of [0, 1024 * 1024 - 1, 1024 * 1024, bytes.length - 1]) {
    bytes[place] = 1;
    assert.equal(isZero(bytes), false);
    bytes[place] = 0;
  }
});

void test('`zeroDigests` knows full chunks and the short last one', () => {
  const zeros = zeroDigests({ sizeBytes: 2 * CHUNK + 5, chunkSizeBytes: CHUNK });
  assert.deepEqual(zeros.at(0), digestOf(Buffer.alloc(CHUNK)));
  assert.deepEqual(zeros.at(2), digestOf(Buffer.alloc(5)));
  assert.equal(zeros.at(1), zeros.at(0));
});
