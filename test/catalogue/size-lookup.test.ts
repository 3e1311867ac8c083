import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { rememberingLookup } from '../../src/catalogue/size-lookup.ts';
import { digestOf } from '../../src/content/digest.ts';

const digestOfNumber = (number: number) => digestOf(Buffer.from([number]));

/** A digest that begins with these two numbers. */
function digestWith(high: number, low: number): Buffer {
  const digest = Buffer.alloc(32);
  digest.writeUInt32LE(high, 0);
  digest.writeUInt32LE(low, 4);
  return digest;
}

/** A table of the first digests of numbers, which counts what it is asked. */
function tableOf(ordinals: number) {
  const digests = Array.from({ length: ordinals }, (_, place) => digestOfNumber(place));
  const table = {
    ordinals,
    asked: 0,
    find(digest: Buffer) {
      table.asked += 1;
      const ordinal = digests.findIndex((known) => known.equals(digest));
      return ordinal < 0 ? undefined : { ordinal, packedBytes: 4_000_000_000 + ordinal };
    },
  };
  return table;
}

void test('`rememberingLookup` answers as the table does, whatever it was asked before', () => {
  fc.assert(
    fc.property(fc.nat(40), fc.array(fc.nat(60)), (ordinals, numbers) => {
      const table = tableOf(ordinals);
      const lookup = rememberingLookup(table);
      for (const number of numbers) {
        const digest = digestOfNumber(number);
        assert.deepEqual(lookup.find(digest), table.find(digest));
      }
    }),
  );
});

void test('`rememberingLookup` tells digests apart that share a slot, or half of what is kept', () => {
  const digests = [digestWith(1, 1), digestWith(2, 1), digestWith(1, 2 ** 20 + 1)];
  const lookup = rememberingLookup({
    ordinals: digests.length,
    find: (digest) => ({ ordinal: digests.findIndex((it) => it.equals(digest)), packedBytes: 1 }),
  });
  for (const place of [0, 1, 0, 2, 0, 1]) {
    const digest = digests[place];
    assert.ok(digest);
    assert.equal(lookup.find(digest)?.ordinal, place);
  }
});

void test('`rememberingLookup` asks the table once when a chunk is looked up often', () => {
  const table = tableOf(1);
  const lookup = rememberingLookup(table);
  for (let times = 0; times < 5; times += 1) lookup.find(digestOfNumber(0));
  assert.equal(table.asked, 1);
});
