import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createUsage } from '../../src/catalogue/size-usage.ts';

const CHUNKS = 6;

const packedBytes = (ordinal: number) => 100 + ordinal;

/** For each user in turn, the chunks that it has. */
const users = fc.array(fc.array(fc.nat(CHUNKS - 1), { maxLength: 10 }), { maxLength: 6 });

void test('`createUsage` tells what each user alone has, whatever they share', () => {
  fc.assert(
    fc.property(users, (all) => {
      const usage = createUsage(CHUNKS);
      const seen = new Set<number>();
      for (const [user, chunks] of all.entries()) {
        const own = new Set<number>();
        for (const ordinal of chunks) {
          const wanted = own.has(ordinal) ? 'again' : seen.has(ordinal) ? 'known' : 'new';
          assert.equal(usage.use(ordinal, user, packedBytes(ordinal)), wanted);
          own.add(ordinal);
          seen.add(ordinal);
        }
      }
      for (const [user, chunks] of all.entries()) {
        const others = new Set(all.filter((_, other) => other !== user).flat());
        const alone = [...new Set(chunks)].filter((ordinal) => !others.has(ordinal));
        assert.deepEqual(usage.uniqueTo(user), {
          uniqueChunks: alone.length,
          uniqueBytes: alone.reduce((sum, ordinal) => sum + packedBytes(ordinal), 0),
        });
      }
    }),
  );
});

void test('`createUsage` tells what a user alone has when uses of several alternate', () => {
  const usage = createUsage(3);
  for (const [ordinal, user] of [
    [0, 0],
    [1, 1],
    [0, 1],
    [0, 0],
    [1, 1],
    [2, 0],
  ] as const) {
    usage.use(ordinal, user, 10);
  }
  assert.deepEqual(usage.uniqueTo(0), { uniqueChunks: 1, uniqueBytes: 10 });
  assert.deepEqual(usage.uniqueTo(1), { uniqueChunks: 1, uniqueBytes: 10 });
  assert.deepEqual(usage.uniqueTo(2), { uniqueChunks: 0, uniqueBytes: 0 });
});

void test('`createUsage` refuses an ordinal that the table does not have', () => {
  assert.throws(() => createUsage(3).use(3, 0, 1), /an ordinal 3 of 3/);
});
