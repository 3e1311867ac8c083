import { KgetError } from '../base/error.ts';

/** How much of a long node set is shown on each side of a fault. */
const SHOWN_CHARACTERS = 40;

/** A text that is read as a node set, and where it came from. */
export interface SetText {
  readonly text: string;
  /** For errors, if it was not typed by the user: `group @compute, /etc/clustershell/groups:3`. */
  readonly origin?: string;
}

/**
 * The error for a node set that is wrong at character `at`, counted from 0; it points at the place.
 */
export function fault(set: SetText, { at, what }: { at: number; what: string }): KgetError {
  const from = Math.max(0, at - SHOWN_CHARACTERS);
  const to = Math.min(set.text.length, at + SHOWN_CHARACTERS);
  const before = from > 0 ? '…' : '';
  const after = to < set.text.length ? '…' : '';
  const shown = `${before}${set.text.slice(from, to).replaceAll(/\s/g, ' ')}${after}`;
  const pointer = ' '.repeat(before.length + at - from);
  const origin = set.origin === undefined ? '' : ` of ${set.origin}`;
  return new KgetError(
    'usage',
    `Cannot read the node set${origin}: ${what}, at character ${at + 1}\n  ${shown}\n  ${pointer}^`,
  );
}
