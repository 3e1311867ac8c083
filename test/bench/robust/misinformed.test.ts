import assert from 'node:assert/strict';
import { test } from 'node:test';
import { misinformed } from '../../../bench/robust/misinformed.ts';
import { FRONTEND, type Planner, type PlannerEvent } from '../../../src/planner/types.ts';

void test('`misinformed` tells another size first, and the true one when the image is pulled', () => {
  const told: PlannerEvent[] = [];
  const planner = misinformed(pulling(told, 'listed'), new Map([['x', 5]]));
  planner.handle({ type: 'held', node: 'n', image: 'x', bytes: 10 });
  planner.handle({ type: 'listed', node: 'n' });
  planner.handle({ type: 'listed', node: 'n' });
  assert.deepEqual(told, [
    { type: 'held', node: 'n', image: 'x', bytes: 5 },
    { type: 'listed', node: 'n' },
    { type: 'sized', image: 'x', bytes: 10 },
    { type: 'listed', node: 'n' },
  ]);
});

void test('`misinformed` tells nothing at the pull when a better size was known', () => {
  const told: PlannerEvent[] = [];
  const planner = misinformed(pulling(told, 'listed'), new Map([['x', 5]]));
  planner.handle({ type: 'held', node: 'n', image: 'x', bytes: 10 });
  planner.handle({ type: 'sized', image: 'x', bytes: 10 });
  planner.handle({ type: 'listed', node: 'n' });
  assert.deepEqual(
    told.map(({ type }) => type),
    ['held', 'sized', 'listed'],
  );
});

void test('`misinformed` passes on what the planner answers to the true size', () => {
  const planner = misinformed(pulling([], 'listed', 'sized'), new Map([['x', 5]]));
  planner.handle({ type: 'held', node: 'n', image: 'x', bytes: 10 });
  assert.equal(planner.handle({ type: 'listed', node: 'n' }).length, 2);
});

/** Notes what it is told, and answers some events with a pull. */
function pulling(told: PlannerEvent[], ...types: readonly PlannerEvent['type'][]): Planner {
  return {
    handle(event) {
      told.push(event);
      if (!types.includes(event.type)) return [];
      return [{ type: 'pull', transfer: `t${told.length}`, image: 'x', from: 'n', to: FRONTEND }];
    },
    idle: () => true,
  };
}
