import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DRAWS, NODES } from './random-draws.ts';
import { createRandomRun } from './random-run.ts';
import { OPTIONS, rackOf } from './telling.ts';

const OPTIONS_DRAWN = fc.record({
  objective: fc.constantFrom({ kind: 'mean' } as const, { kind: 'target', fraction: 0.5 } as const),
  senders: fc.constantFrom(1, 2),
  maxHops: fc.constantFrom(0, 1, 9),
  maxAttempts: fc.constantFrom(1, 2, 9),
  copies: fc.constantFrom(1, 1, 2, 3),
});

void test('`createPlanner` breaks no rule and ends when events come in any order', () => {
  fc.assert(
    fc.property(OPTIONS_DRAWN, DRAWS, (drawn, draws) => {
      const run = createRandomRun({ ...OPTIONS, ...drawn });
      run.tell({ type: 'expected', nodes: NODES.length });
      run.tell(rackOf('r', 0.5));
      for (const draw of draws) for (const event of run.eventsOf(draw)) run.tell(event);
      assert.deepEqual(run.violationsAtEnd(), []);
    }),
    { seed: 2009, numRuns: 1000 },
  );
});
