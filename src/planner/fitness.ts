import { FULL, outSpeed, slowness, upSpeed } from './rates.ts';
import { isForTarget, remainingPart, speedAlone } from './standing.ts';
import type { Node, State } from './state.ts';

/** An image of which others have more than this waits for one of them. */
const MUCH_SHARED = 0.5;

/** Whether it makes sense at all to empty `from` onto `to`. */
export function maySendTo(state: State, from: Node, to: Node): boolean {
  if (to === from || !comesAfter(state, to, from) || isStrange(from, to)) return false;
  return staysInTime(state, from, to);
}

/**
 * True if what the images on `from` share with others would have to move as well, and does not have
 * to: others that take part have it.
 */
function isStrange(from: Node, to: Node): boolean {
  for (const { image } of from.seated) {
    const { kin, sharedShare } = image;
    if (kin === undefined || sharedShare < MUCH_SHARED || (to.kin.get(kin) ?? 0) > 0) continue;
    if (kin.holders > 1) return true;
  }
  return false;
}

/**
 * Whoever is released sooner sends, but nobody sends to a slower node, which would have to send it
 * on. Keepers only receive.
 */
function comesAfter(state: State, to: Node, from: Node): boolean {
  if (to.keeps || to.stays) return true;
  const [after, before] = [slowness(state, to), slowness(state, from)];
  if (after !== before) return after < before;
  if (after > 0 && outSpeed(state, to) < FULL * outSpeed(state, from)) return false;
  if (to.deadline !== from.deadline) return to.deadline > from.deadline;
  return remainingPart(state, to) >= remainingPart(state, from);
}

/**
 * What the receiver has then still reaches the frontend in the time that all the rest takes, unless
 * a target has to be reached first.
 */
function staysInTime(state: State, from: Node, to: Node): boolean {
  if (isForTarget(state)) return true;
  const loadBytes = to.loadBytes + to.awaitedBytes + from.loadBytes;
  // What stays in a rack crosses its uplink later in any case.
  const speed = from.rack === to.rack ? upSpeed(state, to) : outSpeed(state, to);
  return loadBytes <= state.seatedBytes * speedAlone(state, to, speed) * (1 + 1e-9);
}
