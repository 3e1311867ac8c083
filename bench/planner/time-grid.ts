/** Moments, ascending from 0; a slot lasts from one to the next. */
export type TimeGrid = readonly number[];

/** One slot of a grid. */
export interface Slot {
  readonly start: number;
  readonly end: number;
  readonly length: number;
}

/**
 * Slots that grow with time: one from 0 to `first`, then `perOctave` equal ones until the time has
 * doubled, and so on until `last`.
 *
 * While the time doubles, the best schedules known release half of the nodes that are left, so that
 * each octave contributes about the same to the mean release. The grid begins where the first node
 * can be released: before that all nodes take part, and finer slots would tell nothing more.
 */
export function growingGrid(options: {
  readonly first: number;
  readonly last: number;
  readonly perOctave: number;
}): TimeGrid {
  const { first, last, perOctave } = options;
  const moments = [0];
  for (let octave = first; octave < last; octave *= 2) {
    for (let part = 0; part < perOctave; part += 1) {
      const at = octave * (1 + part / perOctave);
      if (at < last * (1 - 1e-9)) moments.push(at);
    }
  }
  return [...moments, last];
}

/** The slots between the moments of a grid. */
export function slotsOf(grid: TimeGrid): readonly Slot[] {
  return grid.slice(1).map((end, place) => {
    const start = grid[place] ?? 0;
    return { start, end, length: end - start };
  });
}
