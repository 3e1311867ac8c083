/** Knows where it stands in its heap; -1 while it is in none. */
export interface Placed {
  place: number;
}

/** The least of its items at hand; an item is in one heap at most, and once. */
export interface Heap<Item extends Placed> {
  /** The least item; undefined if there is none. */
  first(): Item | undefined;
  add(item: Item): void;
  /** Finds the place of an item of this heap whose order has changed. */
  moved(item: Item): void;
  remove(item: Item): void;
}

/** An empty binary heap: every change takes a number of steps logarithmic in its size. */
export function createHeap<Item extends Placed>(
  isBefore: (left: Item, right: Item) => boolean,
): Heap<Item> {
  const items: Item[] = [];

  function put(item: Item, place: number): void {
    items[place] = item;
    item.place = place;
  }

  function rise(item: Item): void {
    let place = item.place;
    while (place > 0) {
      const parent = items[(place - 1) >> 1];
      if (parent === undefined || !isBefore(item, parent)) break;
      const free = parent.place;
      put(parent, place);
      place = free;
    }
    put(item, place);
  }

  function sink(item: Item): void {
    let place = item.place;
    for (;;) {
      const left = items[2 * place + 1];
      const right = items[2 * place + 2];
      const lesser =
        left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (lesser === undefined || !isBefore(lesser, item)) break;
      const free = lesser.place;
      put(lesser, place);
      place = free;
    }
    put(item, place);
  }

  function moved(item: Item): void {
    rise(item);
    sink(item);
  }

  return {
    first: () => items[0],
    add(item): void {
      put(item, items.length);
      rise(item);
    },
    moved,
    remove(item): void {
      const last = items.pop();
      if (last !== undefined && last !== item) {
        put(last, item.place);
        moved(last);
      }
      item.place = -1;
    },
  };
}
