import type { Dice } from './dice.ts';
import { mutateBytes } from './mutate-bytes.ts';

const MAX_CHANGES = 4;

/** A word, a number, or a single sign. */
const TOKEN = /[A-Za-z]+|\d+|\s+|./gsu;

/** What texts for people seldom hold. */
const ODD_TEXTS = [
  '',
  ' ',
  '\n',
  '\r\n',
  '\0',
  '\t#',
  '-0',
  '1e9',
  '0x10',
  'NaN',
  'Infinity',
  '99999999999999999999',
  '9'.repeat(400),
  '0.000000000000000000000001',
  '\u00e9\u{1f4be}\ud800',
  '../..',
  '__proto__',
  'constructor',
  'toString',
];

/** How often a piece may be repeated: where time grows faster than lengths, it shows. */
const REPEATS = [2, 2, 3, 3, 8, 8, 64, 1000];

const MAX_TEXT_CHARACTERS = 8000;

/** One of `samples`, texts, with words and signs exchanged, repeated or removed. */
export function mutateText(samples: readonly Buffer[], dice: Dice): Buffer {
  if (dice.oneIn(5)) return mutateBytes(samples, dice);
  const text = dice.pick(samples).toString('utf8');
  const tokens: string[] = text.match(TOKEN) ?? [];
  const changes = 1 + dice.below(MAX_CHANGES);
  for (let change = 0; change < changes; change += 1) changeTokens(tokens, samples, dice);
  return Buffer.from(tokens.join('').slice(0, MAX_TEXT_CHARACTERS));
}

function changeTokens(tokens: string[], samples: readonly Buffer[], dice: Dice): void {
  const at = dice.below(tokens.length + 1);
  const count = 1 + dice.below(dice.oneIn(3) ? 12 : 2);
  switch (dice.below(6)) {
    case 0:
      tokens.splice(at, count, dice.pick(ODD_TEXTS));
      break;
    case 1:
      tokens.splice(at, count);
      break;
    case 2:
      tokens.splice(at, 0, repeated(tokens.slice(at, at + count).join(''), dice.pick(REPEATS)));
      break;
    case 3:
      tokens.splice(at, 0, ...pieceOf(dice.pick(samples), dice));
      break;
    case 4:
      tokens.splice(at, count, ...tokens.slice(dice.below(tokens.length + 1)).slice(0, 1));
      break;
    default:
      tokens.splice(at, count, ...pieceOf(dice.pick(samples), dice));
  }
}

/** No longer than an input may be: what was repeated may be repeated again. */
function repeated(piece: string, times: number): string {
  const enough = Math.ceil(MAX_TEXT_CHARACTERS / Math.max(piece.length, 1));
  return piece.repeat(Math.min(times, enough));
}

/** Some tokens from anywhere in a sample. */
function pieceOf(sample: Buffer, dice: Dice): readonly string[] {
  const from = dice.below(sample.length + 1);
  const tokens = sample.toString('utf8', from, from + 40).match(TOKEN) ?? [];
  return tokens.slice(0, 1 + dice.below(3));
}
