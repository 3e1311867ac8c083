import { uniformOf } from '../src/simulator/chance.ts';

/** Chance that comes out the same for the same text. */
export interface Dice {
  /** A whole number from 0 to `bound` - 1; `bound` is 1 or more. */
  below(bound: number): number;
  /** True once in `times`. */
  oneIn(times: number): boolean;
  /** One of `choices`, of which there are some. */
  pick<T>(choices: readonly T[]): T;
  bytes(count: number): Buffer;
}

export function diceOf(text: string): Dice {
  const uniform = uniformOf(text);
  const below = (bound: number) => Math.floor(uniform() * bound);
  return {
    below,
    oneIn: (times) => below(times) === 0,
    pick<T>(choices: readonly T[]): T {
      const choice = choices.slice(below(choices.length))[0];
      if (choice === undefined) throw new Error('there is nothing to pick from');
      return choice;
    },
    bytes(count) {
      const bytes = Buffer.allocUnsafe(count);
      for (let at = 0; at < count; at += 1) bytes[at] = below(256);
      return bytes;
    },
  };
}
