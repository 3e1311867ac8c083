import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  CHANGE_BYTES,
  chooseChanged,
  dataBlocks,
  indexBytes,
  rewriteBlocks,
} from '../../bench/store-changes.ts';

const somePositions = fc.uniqueArray(fc.nat(5000), { minLength: 1, maxLength: 400 });

void test('`chooseChanged` takes the share of the positions, one at least, in order', () => {
  fc.assert(
    fc.property(somePositions, fc.double({ min: 0, max: 1, noNaN: true }), (positions, share) => {
      const chosen = chooseChanged(positions, share, 'seed');
      assert.equal(chosen.length, Math.max(1, Math.round(positions.length * share)));
      assert.ok(chosen.every((position) => positions.includes(position)));
      assert.deepEqual(
        chosen,
        [...new Set(chosen)].toSorted((one, other) => one - other),
      );
    }),
  );
});

void test('`chooseChanged` chooses by the seed alone', () => {
  const positions = Array.from({ length: 1000 }, (_, place) => place);
  const choose = (seed: string, among = positions): number[] => chooseChanged(among, 0.05, seed);
  assert.deepEqual(choose('n1', positions.toReversed()), choose('n1'));
  assert.notDeepEqual(choose('n1'), choose('n2'));
});

void test('`chooseChanged` chooses nothing when there is nothing', () => {
  assert.deepEqual(chooseChanged([], 0.01, 'seed'), []);
});

void test('`rewriteBlocks` changes its blocks, which `dataBlocks` finds, and no others', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kgetplus-test-'));
  const image = join(directory, 'disk.img');
  try {
    const before = Buffer.alloc(3.5 * CHANGE_BYTES);
    before[before.length - 1] = 1;
    writeFileSync(image, before);
    assert.deepEqual(await dataBlocks(image), [3]);
    await rewriteBlocks(image, [1], 'seed');
    assert.deepEqual(await dataBlocks(image), [1, 3]);
    const after = readFileSync(image);
    assert.equal(after.length, before.length);
    after.fill(0, CHANGE_BYTES, 2 * CHANGE_BYTES);
    assert.ok(after.equals(before));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

void test('`indexBytes` is the length of an index', () => {
  assert.equal(indexBytes(7 * CHANGE_BYTES), 384);
  assert.equal(indexBytes(7 * CHANGE_BYTES + 1), 424);
  assert.equal(indexBytes(0), 104);
});
