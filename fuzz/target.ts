import type { ErrorCode } from '../src/base/error.ts';
import type { Dice } from './dice.ts';

/** Where one input is tried. */
export interface Trial {
  /** A file for the input, in a directory of this process alone, in memory if there is one. */
  readonly file: string;
  /** For what a trial chooses itself; the same each time it is repeated. */
  readonly dice: Dice;
}

/**
 * Something that takes bytes of any origin. It may return, or throw a KgetError with one of
 * `codes`; anything else is a finding.
 */
export interface Target {
  readonly name: string;
  readonly codes: readonly ErrorCode[];
  /** How many inputs it gets unless the command says otherwise. */
  readonly inputs: number;
  /** Good inputs, which others are made from. */
  samples(): readonly Buffer[];
  /** An input made from the samples; `mutateBytes` by itself hardly gets past a checksum. */
  mutate(samples: readonly Buffer[], dice: Dice): Buffer;
  run(input: Buffer, trial: Trial): void | Promise<void>;
}
