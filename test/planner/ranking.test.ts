import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareKeys, createRanking, type Key } from '../../src/planner/ranking.ts';

/** Keys without ties: the last number is the item's own. */
interface Placing {
  readonly item: number;
  readonly key: readonly [number, number] | null;
}

const NUMBER = fc.constantFrom(-Infinity, -1, 0, 0.5, 2, Infinity);

const PLACINGS: fc.Arbitrary<Placing[]> = fc.array(
  fc.record({ item: fc.nat({ max: 9 }), key: fc.option(fc.tuple(NUMBER, NUMBER)) }),
);

void test('`createRanking` has the order of a sorted array when items move, leave and return', () => {
  fc.assert(
    fc.property(PLACINGS, (placings) => {
      const ranking = createRanking<number>();
      const keys = new Map<number, Key>();
      for (const { item, key } of placings) {
        ranking.place(item, key === null ? undefined : [...key, item]);
        if (key === null) keys.delete(item);
        else keys.set(item, [...key, item]);
        const sorted = [...keys].toSorted(([, one], [, other]) => compareKeys(one, other));
        const items = sorted.map(([one]) => one);
        assert.deepEqual([...ranking.items()], items);
        assert.equal(ranking.first(), items[0]);
        assert.equal(ranking.size, items.length);
      }
    }),
    { seed: 2009, numRuns: 500 },
  );
});

void test('`compareKeys` looks at the first number that differs', () => {
  assert.ok(compareKeys([0, 2, 9], [0, 3, 1]) < 0);
  assert.ok(compareKeys([1, 0], [0, Infinity]) > 0);
  assert.ok(compareKeys([-Infinity, 1], [Infinity, 0]) < 0);
  assert.equal(compareKeys([Infinity, 1], [Infinity, 1]), 0);
});
