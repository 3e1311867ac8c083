import * as fc from 'fast-check';
import type { PlannerEvent } from '../../src/planner/types.ts';
import { numbers, present } from './telling.ts';

export const NODES = numbers(6).map((number) => `n${number}`);
const KINDS = [
  'present',
  'held',
  'listed',
  'sketched',
  'sized',
  'stays',
  'arrived',
  'arrived',
  'arrived',
  'durable',
  'durable',
  'durable',
  'late durable',
  'failed',
  'spoiled',
  'lost',
  'senders-allowed',
  'assembled',
] as const;
/** What happens next, read as what is possible then. */
export interface Draw {
  readonly kind: (typeof KINDS)[number];
  readonly pick: number;
  readonly other: number;
  readonly amount: number;
}

export const DRAWS = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    pick: fc.nat({ max: 59 }),
    other: fc.nat({ max: 59 }),
    amount: fc.nat({ max: 9 }),
  }),
  { maxLength: 80, size: 'max' },
);

/** A node with one or two images, perhaps slow or in a rack, and perhaps with more to name. */
export function arrival(
  node: string,
  { other, amount }: { readonly other: number; readonly amount: number },
): readonly PlannerEvent[] {
  const sizes = other % 2 === 0 ? [amount] : [amount, 5];
  const rack = other % 3 === 0 ? { rack: 'r' } : {};
  const deadline = other % 5 === 0 ? { deadline: amount } : {};
  const events = present(node, {
    sizes,
    roomBytes: other,
    up: amount < 5 ? 0.3 : 1,
    ...rack,
    ...deadline,
  });
  return other % 7 === 0 ? events.slice(0, -1) : events;
}

/** One of these, if there is any. */
export function pickOf<Item>(items: readonly Item[], pick: number): Item | undefined {
  return items[pick % Math.max(1, items.length)];
}
