import sortedBtree from 'sorted-btree';

/** Items in ascending order of their keys; each has one key or is left out. */
export interface Ranking<Item> {
  /** The item's key from now on; without one it is left out. Keys of a ranking are of one length. */
  place(item: Item, key: Key | undefined): void;
  first(): Item | undefined;
  /** In order; the ranking must not change meanwhile. */
  items(): Iterable<Item>;
  readonly size: number;
}

/** Compared number by number; less comes first. No two items have equal keys. */
export type Key = readonly number[];

/** A ranking of no items. Placing takes time logarithmic in their number. */
export function createRanking<Item>(): Ranking<Item> {
  const tree = new sortedBtree.default<Key, Item>(undefined, compareKeys);
  const keys = new Map<Item, Key>();
  return {
    place(item, key): void {
      const before = keys.get(item);
      if (before !== undefined && key !== undefined && compareKeys(before, key) === 0) return;
      if (before !== undefined) tree.delete(before);
      if (key === undefined) keys.delete(item);
      else {
        keys.set(item, key);
        tree.set(key, item);
      }
    },
    first(): Item | undefined {
      const least = tree.minKey();
      return least === undefined ? undefined : tree.get(least);
    },
    items: () => tree.values(),
    get size() {
      return tree.size;
    },
  };
}

/** Below 0 if `left` comes first. */
export function compareKeys(left: Key, right: Key): number {
  for (const [place, value] of left.entries()) {
    const other = right[place] ?? 0;
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}
