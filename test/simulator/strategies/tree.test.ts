import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { placesAbove } from '../../../src/simulator/strategies/tree.ts';

for (const [place, above] of [
  [0, []],
  [1, []],
  [2, [0]],
  [3, [1]],
  [4, [0]],
  [5, [1]],
  [6, [2, 0]],
  [9, [5, 1]],
  [10, [2, 0]],
] as const) {
  void test(`\`placesAbove\` finds ${above.length} relays above place ${place} when two may be siblings`, () => {
    assert.deepEqual(placesAbove(place, 2), above);
  });
}

void test('`placesAbove` gives a tree in which no node has too many children', () => {
  const arities = fc.integer({ min: 1, max: 12 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), arities, (nodeCount, arity) => {
      const children = new Map<number, number>();
      for (let place = 0; place < nodeCount; place += 1) {
        const [parent = -1, ...further] = placesAbove(place, arity);
        children.set(parent, (children.get(parent) ?? 0) + 1);
        assert.ok(parent < place);
        assert.deepEqual(parent < 0 ? [] : placesAbove(parent, arity), further);
      }
      for (const count of children.values()) assert.ok(count <= arity);
    }),
    { seed: 2009, numRuns: 100 },
  );
});
