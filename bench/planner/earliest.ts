import { assert } from '../../src/base/assert.ts';

/** Times that a moment may be farther away than was thought. */
const MAX_DOUBLINGS = 32;

/** Halvings of the interval in which a moment is sought. */
const BISECTIONS = 24;

/**
 * A moment, in seconds, before which `isPossible` is false, given that it stays true once it is:
 * the lower end of the last interval of a bisection that begins with `[0, likelySeconds]`. Throws
 * if it is never true.
 */
export function earliest(isPossible: (seconds: number) => boolean, likelySeconds: number): number {
  let after = 0;
  let until = likelySeconds;
  for (let tries = 0; !isPossible(until); tries += 1) {
    assert(tries < MAX_DOUBLINGS, 'what is sought is possible some time');
    [after, until] = [until, until * 2];
  }
  for (let step = 0; step < BISECTIONS; step += 1) {
    const middle = (after + until) / 2;
    if (isPossible(middle)) until = middle;
    else after = middle;
  }
  return after;
}
