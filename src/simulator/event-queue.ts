import { createHeap, type Placed } from './heap.ts';

/** What is to happen, soonest first; what shares a moment, in the order in which it was added. */
export interface EventQueue<Item> {
  add(seconds: number, item: Item): QueuedEvent<Item>;
  /** Gives an event another moment; among those of one moment it keeps its turn. */
  move(event: QueuedEvent<Item>, seconds: number): void;
  remove(event: QueuedEvent<Item>): void;
  /** The event whose turn is next; undefined if there is none. It stays until it is removed. */
  first(): QueuedEvent<Item> | undefined;
}

/** Moves and leaves by its queue only. */
export interface QueuedEvent<Item> extends Placed {
  readonly item: Item;
  seconds: number;
  moment: number;
  readonly ordinal: number;
}

/**
 * Times that round to the same nanosecond are one moment: which of them is less by what rounding
 * left does not decide whose turn it is.
 */
const MOMENTS_PER_SECOND = 1e9;

/** The number of the moment at which `seconds` lies. */
export function momentOf(seconds: number): number {
  return Math.round(seconds * MOMENTS_PER_SECOND);
}

/** A queue without events. */
export function createEventQueue<Item>(): EventQueue<Item> {
  const heap = createHeap<QueuedEvent<Item>>((left, right) =>
    left.moment === right.moment ? left.ordinal < right.ordinal : left.moment < right.moment,
  );
  let added = 0;
  return {
    add(seconds, item): QueuedEvent<Item> {
      added += 1;
      const event = { item, seconds, moment: momentOf(seconds), ordinal: added, place: -1 };
      heap.add(event);
      return event;
    },
    move(event, seconds): void {
      event.seconds = seconds;
      event.moment = momentOf(seconds);
      heap.moved(event);
    },
    remove: (event) => heap.remove(event),
    first: () => heap.first(),
  };
}
