import type { Dice } from './dice.ts';
import { mutateBytes } from './mutate-bytes.ts';

/** JSON texts that stand for what fields seldom hold. */
const ODD_VALUES = [
  'null',
  'true',
  '""',
  '"\\u0000\\ud800"',
  '"__proto__"',
  '0',
  '-0',
  '-1',
  '0.5',
  '1e308',
  '1e999',
  '9007199254740993',
  '[]',
  '{}',
  '[[[[]]]]',
  '{"__proto__": {"schema": 1}}',
  '{"toString": null, "valueOf": 1}',
  `"${'x'.repeat(5000)}"`,
  '['.repeat(2000) + ']'.repeat(2000),
];

/** A number, text or word of JSON, or the name of a field. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null/g;

const MAX_CHANGES = 3;

/** One of `samples`, JSON texts, with other values in a few places; or with other bytes. */
export function mutateJson(samples: readonly Buffer[], dice: Dice): Buffer {
  if (dice.oneIn(3)) return mutateBytes(samples, dice);
  let text = dice.pick(samples).toString('utf8');
  const changes = 1 + dice.below(MAX_CHANGES);
  for (let change = 0; change < changes; change += 1) {
    const tokens = [...text.matchAll(TOKEN)];
    if (tokens.length === 0) break;
    const token = dice.pick(tokens);
    const value = dice.oneIn(3) ? dice.pick(tokens)[0] : dice.pick(ODD_VALUES);
    text = text.slice(0, token.index) + value + text.slice(token.index + token[0].length);
  }
  return Buffer.from(text);
}
