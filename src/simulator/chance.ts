/** Numbers above 0 and below 1, of 32 bits: `mulberry32`, whose near seeds are unlike at once. */
export function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
}

/**
 * As `uniform`, with a text as the seed. The sum, modulo 1, of two such sequences is as even as each
 * of them, and so has 64 bits of seed: those of 100,000 texts hardly ever meet.
 */
export function uniformOf(text: string): () => number {
  const left = uniform(digest(text, 0x01000193));
  const right = uniform(digest(text, 0x85ebca6b));
  return () => (left() + right()) % 1 || 2 ** -33;
}

/** FNV-1a of the text's UTF-16 units (draft-eastlake-fnv), with this odd factor as its prime. */
function digest(text: string, factor: number): number {
  let hash = 0x811c9dc5;
  for (let place = 0; place < text.length; place += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(place), factor);
  }
  return hash;
}
