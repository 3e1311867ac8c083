import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  createEventQueue,
  type EventQueue,
  type QueuedEvent,
} from '../../src/simulator/event-queue.ts';

void test('`first` is the soonest event, and of one moment the oldest, when events are any', () => {
  const change = fc.record({
    kind: fc.constantFrom('add', 'add', 'move', 'remove', 'take'),
    seconds: fc.oneof(fc.nat({ max: 5 }), fc.constant(Infinity)),
    pick: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200, size: 'max' }), (changes) => {
      const queue = createEventQueue<number>();
      const kept: QueuedEvent<number>[] = [];
      for (const [number, { kind, seconds, pick }] of changes.entries()) {
        const picked = kind === 'take' ? queue.first() : kept[pick % kept.length];
        if (kind === 'add') kept.push(queue.add(seconds, number));
        else if (picked === undefined) continue;
        else if (kind === 'move') queue.move(picked, seconds);
        else {
          queue.remove(picked);
          kept.splice(kept.indexOf(picked), 1);
        }
        assert.equal(queue.first(), soonest(kept));
      }
    }),
    { seed: 2009, numRuns: 500 },
  );
});

void test('`first` is the oldest event when times differ by rounding only', () => {
  const queue = createEventQueue<string>();
  queue.add(0.3, 'old');
  queue.add(0.1 + 0.2, 'new');
  queue.add(0.299_999_9, 'soon');
  assert.deepEqual(taken(queue), ['soon', 'old', 'new']);
});

function soonest(events: readonly QueuedEvent<number>[]): QueuedEvent<number> | undefined {
  return events.toSorted((left, right) => left.moment - right.moment || left.item - right.item)[0];
}

function taken(queue: EventQueue<string>): string[] {
  const items: string[] = [];
  for (let event = queue.first(); event !== undefined; event = queue.first()) {
    items.push(event.item);
    queue.remove(event);
  }
  return items;
}
