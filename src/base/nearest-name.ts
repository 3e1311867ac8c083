/** Names that differ in more letters are not guessed at. */
const MAX_MISSPELT_LETTERS = 3;

/** The name that was probably meant by a misspelt one; undefined if none is near. */
export function nearestName(misspelt: string, names: readonly string[]): string | undefined {
  const near = names
    .map((name) => ({ name, distance: editDistance(misspelt, name) }))
    .filter(({ name, distance }) => distance <= Math.min(MAX_MISSPELT_LETTERS, name.length / 2))
    .toSorted((one, other) => one.distance - other.distance);
  return near[0]?.name;
}

/** Levenshtein's distance: letters to add, leave out or change. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let at = 1; at <= one.length; at += 1) {
    const next = [at];
    for (let to = 1; to <= other.length; to += 1) {
      const change = (row[to - 1] ?? 0) + (one[at - 1] === other[to - 1] ? 0 : 1);
      next.push(Math.min(change, (row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
