import { KgetError } from '../src/base/error.ts';
import { diceOf } from './dice.ts';
import type { Target, Trial } from './target.ts';

/** Processor time that one input may take. */
const MAX_CPU_MS = 2000;

/** What buffers may grow by while one input is tried: garbage of earlier ones only makes it less. */
const MAX_BUFFER_GROWTH_BYTES = 48 * 1024 * 1024;

/** What the process may take in all, garbage included. */
const MAX_RESIDENT_BYTES = 1536 * 1024 * 1024;

/** One input in this many is of random bytes. */
const RANDOM_ONE_IN = 32;
const MAX_RANDOM_BYTES = 2048;

/** How an input was taken: an error's code, `returned`, or what should never happen. */
export type Outcome =
  | { readonly kind: 'allowed'; readonly as: string }
  | { readonly kind: 'finding'; readonly what: string };

/** Which inputs: the same `seed` and number make the same input of a target. */
export interface InputName {
  readonly seed: number;
  readonly number: number;
}

export function inputOf(target: Target, samples: readonly Buffer[], name: InputName): Buffer {
  const dice = diceOf(`input ${target.name} ${name.seed} ${name.number}`);
  if (dice.oneIn(RANDOM_ONE_IN)) return dice.bytes(dice.below(MAX_RANDOM_BYTES));
  return target.mutate(samples, dice);
}

/** Tries one input. `file` is a path that the target may write to. */
export async function tryInput(
  target: Target,
  samples: readonly Buffer[],
  place: InputName & { readonly file: string },
): Promise<Outcome> {
  const input = inputOf(target, samples, place);
  const dice = diceOf(`trial ${target.name} ${place.seed} ${place.number}`);
  return tryBytes(target, input, { file: place.file, dice });
}

/** Tries bytes of any origin. */
export async function tryBytes(target: Target, input: Buffer, trial: Trial): Promise<Outcome> {
  const buffersBefore = process.memoryUsage().arrayBuffers;
  const cpuBefore = process.cpuUsage();
  const outcome = await outcomeOf(target, input, trial);
  if (outcome.kind === 'finding') return outcome;
  const { user, system } = process.cpuUsage(cpuBefore);
  const memory = process.memoryUsage();
  const excess =
    over('ms of processor time', (user + system) / 1000, MAX_CPU_MS) ??
    over('B of new buffers', memory.arrayBuffers - buffersBefore, MAX_BUFFER_GROWTH_BYTES) ??
    over('B of resident memory', memory.rss, MAX_RESIDENT_BYTES);
  return excess === undefined ? outcome : { kind: 'finding', what: excess };
}

async function outcomeOf(target: Target, input: Buffer, trial: Trial): Promise<Outcome> {
  try {
    await target.run(input, trial);
    return { kind: 'allowed', as: 'returned' };
  } catch (error) {
    if (error instanceof KgetError && target.codes.includes(error.code)) {
      return { kind: 'allowed', as: error.code };
    }
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: 'finding', what: error instanceof KgetError ? `${error.code}: ${what}` : what };
  }
}

function over(unit: string, found: number, most: number): string | undefined {
  return found > most ? `it took ${Math.round(found)} ${unit}, at most ${most}` : undefined;
}
