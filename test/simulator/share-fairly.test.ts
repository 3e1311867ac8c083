import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { shareFairly, type Sharer } from '../../src/simulator/share-fairly.ts';

void test('`shareFairly` gives others what a bottleneck leaves when flows share a link', () => {
  const sharers = [sharer('a', 'x'), sharer('b', 'x'), sharer('c', 'x')];
  shareFairly(sharers, links({ a: 1, b: 9, c: 9, x: 9 }));
  assert.deepEqual(
    sharers.map((one) => one.bytesPerSecond),
    [1, 4, 4],
  );
});

void test('`shareFairly` is feasible and every flow has a bottleneck when flows are any', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const pairs = fc.array(fc.tuple(name, name), { minLength: 1, maxLength: 12 });
  const rates = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(pairs, rates, (drawn, capacities) => {
      const sharers = drawn.map(([from, to]) => sharer(`${from} up`, `${to} down`));
      const limits = new Map(
        capacities.flatMap((rate, place) => [
          [`${'abcde'[place]} up`, rate],
          [`${'abcde'[place]} down`, rate * 2],
        ]),
      );
      shareFairly(sharers, limits);
      for (const one of sharers)
        assert.ok(one.links.some((link) => isBottleneck(link, one, sharers)));

      function isBottleneck(link: string, one: Sharer, all: readonly Sharer[]): boolean {
        const sharing = all.filter((other) => other.links.includes(link));
        const used = sharing.reduce((sum, other) => sum + other.bytesPerSecond, 0);
        const limit = limits.get(link) ?? 0;
        assert.ok(used <= limit * (1 + 1e-6));
        const most = Math.max(...sharing.map((other) => other.bytesPerSecond));
        return used >= limit * (1 - 1e-6) && one.bytesPerSecond >= most * (1 - 1e-6);
      }
    }),
    { seed: 2009, numRuns: 300 },
  );
});

function sharer(...names: string[]): Sharer {
  return { links: names, bytesPerSecond: 0 };
}

function links(capacities: Record<string, number>): Map<string, number> {
  return new Map(Object.entries(capacities));
}
