import type { LinearProgram } from './linear-program.ts';

/** The line `slope`·y + `offset`. */
interface LoadCut {
  readonly slope: number;
  readonly offset: number;
}

/** More lines than this tell little. */
const MAX_CUTS = 24;

/**
 * Whichever `count` of the nodes with these loads (ascending) are meant, they hold no less than as
 * many of the least loaded: keeps `load` above that.
 *
 * The sum of the y least loads is convex in y; from j to j + 1 its slope is the (j + 1)-th load.
 * So the line through its value at j with that slope is nowhere above it, and any choice of lines
 * is valid. They are spread evenly over the nodes, up to the most loaded, whose line tells most.
 */
export function keepAboveLeastLoads(
  program: LinearProgram,
  { count, load, loads }: { count: number; load: number; loads: readonly number[] },
): void {
  for (const { slope, offset } of cutsOf(loads)) {
    program.constrain(
      [
        [load, 1],
        [count, -slope],
      ],
      { least: offset },
    );
  }
}

function cutsOf(loads: readonly number[]): LoadCut[] {
  const cuts: LoadCut[] = [];
  const step = Math.ceil(loads.length / MAX_CUTS);
  let sum = 0;
  for (const [place, load] of loads.entries()) {
    const isNew = load !== cuts.at(-1)?.slope;
    if (isNew && (loads.length - 1 - place) % step === 0)
      cuts.push({ slope: load, offset: sum - load * place });
    sum += load;
  }
  return cuts;
}
