/**
 * The way to the root from the node at `place` (from 0, in the order in which nodes were taken into
 * the tree): the places above it, its parent first; empty if its parent is the root.
 *
 * Places fill the tree level by level. The root has `arity` children, each of their levels up to
 * `arity` times as many nodes as the one above, dealt out in turn, so that siblings differ by one
 * child at most.
 */
export function placesAbove(place: number, arity: number): number[] {
  const levels = levelsDownTo(place, arity);
  const above: number[] = [];
  let current = place;
  for (let depth = levels.length - 1; depth > 0; depth -= 1) {
    const { first } = levels[depth] ?? NO_LEVEL;
    const parents = levels[depth - 1] ?? NO_LEVEL;
    current = parents.first + ((current - first) % parents.count);
    above.push(current);
  }
  return above;
}

interface Level {
  readonly first: number;
  readonly count: number;
}

const NO_LEVEL: Level = { first: 0, count: 1 };

function levelsDownTo(place: number, arity: number): Level[] {
  const levels: Level[] = [];
  let level = { first: 0, count: arity };
  for (;;) {
    levels.push(level);
    const next = level.first + level.count;
    if (place < next) return levels;
    level = { first: next, count: level.count * arity };
  }
}
