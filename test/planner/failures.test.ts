import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlanner } from '../../src/planner/planner.ts';
import { FRONTEND, type PlannerCommand } from '../../src/planner/types.ts';

void test('`handle` leaves tries for the frontend when no node can reach another', () => {
  const planner = createPlanner({
    objective: { kind: 'mean' },
    senders: 1,
    maxHops: 8,
    maxAttempts: 5,
    copies: 1,
  });
  const names = Array.from({ length: 12 }, (_, index) => `n${index}`);
  const todo: PlannerCommand[] = [];
  const seen: PlannerCommand[] = [];
  const handle = (event: Parameters<typeof planner.handle>[0]): void => {
    const commands = planner.handle(event);
    todo.push(...commands);
    seen.push(...commands);
  };
  for (const node of names) {
    handle({ type: 'joined', node, roomBytes: 1e9 });
    handle({ type: 'held', node, image: `${node}:1`, bytes: 1000 });
    handle({ type: 'listed', node });
  }
  // Relays fail before the frontend, which is slow, has got anything.
  for (let command = todo.shift(); command !== undefined; command = todo.shift()) {
    if (command.type !== 'pull' || command.to === FRONTEND) continue;
    handle({ type: 'failed', transfer: command.transfer, blame: 'link' });
  }
  assert.deepEqual(
    seen.filter((command) => command.type === 'give-up'),
    [],
  );
});
