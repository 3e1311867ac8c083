import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { chunkLengthAt } from '../../src/content/shape.ts';
import { WINDOW_BYTES, WINDOW_CHUNKS } from '../../src/transfer/limits.ts';
import { wantWindow } from '../../src/transfer/want-window.ts';

const chunkSizes = fc.constantFrom(4096, 131_072, 4 * 1024 * 1024, 16 * 1024 * 1024);
const gaps = fc.array(fc.record({ gap: fc.nat(3), count: fc.integer({ min: 1, max: 4000 }) }), {
  maxLength: 20,
});

void test('`wantWindow` asks for every wanted chunk once, in order, within its bounds', () => {
  fc.assert(
    fc.property(chunkSizes, gaps, (chunkSizeBytes, spans) => {
      let end = 0;
      const runs = spans.map(({ gap, count }) => {
        const first = end + gap;
        end = first + count;
        return { first, count };
      });
      const shape = { sizeBytes: Math.max(end * chunkSizeBytes - 5, 0), chunkSizeBytes };
      const window = wantWindow(shape);
      window.add(runs);
      const due: number[] = [];
      const arrived: number[] = [];
      let dueBytes = 0;
      while (!window.isEmpty()) {
        for (const { first, count } of window.next()) {
          for (let at = first; at < first + count; at += 1) {
            due.push(at);
            dueBytes += chunkLengthAt(shape, at);
          }
        }
        assert.ok(dueBytes <= Math.max(WINDOW_BYTES, chunkSizeBytes));
        assert.ok(due.length <= WINDOW_CHUNKS && due.length > 0);
        const position = due.shift() ?? -1;
        dueBytes -= window.arrive(position);
        arrived.push(position);
      }
      assert.equal(window.pendingChunks(), 0);
      const wanted = runs.flatMap(({ first, count }) =>
        Array.from({ length: count }, (_, at) => first + at),
      );
      assert.deepEqual(arrived, wanted);
    }),
    { numRuns: 30 },
  );
});

void test('`arrive` throws `protocol` when another chunk is due, or none', () => {
  const window = wantWindow({ sizeBytes: 10 * 4096, chunkSizeBytes: 4096 });
  assert.throws(() => window.arrive(0), { code: 'protocol' });
  window.add([{ first: 2, count: 3 }]);
  window.next();
  assert.throws(() => window.arrive(3), { code: 'protocol' });
  assert.equal(window.arrive(2), 4096);
});
