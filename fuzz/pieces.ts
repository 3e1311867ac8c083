import type { Dice } from './dice.ts';

const MAX_PIECES = 6;

/** The bytes as they might arrive: in some pieces, of which the first may be empty. */
export function piecesOf(input: Buffer, dice: Dice): Buffer[] {
  const cuts = Array.from({ length: dice.below(MAX_PIECES) }, () => dice.below(input.length + 1));
  const ends = [...cuts.toSorted((one, other) => one - other), input.length];
  const pieces = ends.map((end, place) => input.subarray(ends[place - 1] ?? 0, end));
  const [first = input, ...rest] = pieces;
  return [first, ...rest.filter(({ length }) => length > 0)];
}
