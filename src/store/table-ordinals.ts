import { assert } from '../base/assert.ts';

/** A set of ordinals of an open chunk table, in one bit for each that there is. */
export interface OrdinalSet {
  /** How many are in it. */
  readonly count: number;
  /** False if it was in it before. */
  add(ordinal: number): boolean;
  has(ordinal: number): boolean;
}

/** An empty set of ordinals below `size`. */
export function createOrdinalSet(size: number): OrdinalSet {
  const bits = new Uint8Array(Math.ceil(size / 8));
  let count = 0;
  function has(ordinal: number): boolean {
    assert(ordinal >= 0 && ordinal < size, `an ordinal ${ordinal} of ${size}`);
    return ((bits[Math.floor(ordinal / 8)] ?? 0) & (1 << (ordinal % 8))) !== 0;
  }
  return {
    get count() {
      return count;
    },
    has,
    add(ordinal) {
      if (has(ordinal)) return false;
      const place = Math.floor(ordinal / 8);
      bits[place] = (bits[place] ?? 0) | (1 << (ordinal % 8));
      count += 1;
      return true;
    },
  };
}
