import {
  downSpeed,
  FULL,
  neededSpeed,
  rackSpareDown,
  rackSpareUp,
  SLOW_SHARE,
  sourcesOf,
  upSpeed,
} from './rates.ts';
import { isForTarget } from './standing.ts';
import type { Node, Rack, State } from './state.ts';

/** A receiver that takes less of what its sender can give is left to slower ones. */
const MIN_SHARE = 0.5;

/**
 * How fast `from` can send to `to` beside all that is under way;
 * undefined if that is not what the slower of the two can do, or not half of what the sender can.
 */
export function freeSpeed(state: State, from: Node, to: Node): number | undefined {
  const most = speedBetween(state, from, to);
  if (most < MIN_SHARE * upSpeed(state, from)) return undefined;
  const down = downSpeed(state, to);
  const mayJoin = most <= SLOW_SHARE * down && sourcesOf(state, to).hasFast;
  let spare = down * (mayJoin ? 1 + SLOW_SHARE : 1) - to.fillSpeed;
  if (from.rack !== to.rack) {
    spare = Math.min(spare, spareBesideFrontend(state, from.rack), rackSpareDown(state, to.rack));
  }
  return spare >= FULL * most ? Math.min(most, spare) : undefined;
}

/** How fast the two could be with all else idle. */
export function speedBetween(state: State, from: Node, to: Node): number {
  return Math.min(upSpeed(state, from), downSpeed(state, to));
}

/**
 * A rack's uplink is first of all for what goes to the frontend, unless a target has to be reached
 * first.
 */
function spareBesideFrontend(state: State, rack: Rack | undefined): number {
  const isReserved = rack !== undefined && rack.frontendPulls === 0 && !isForTarget(state);
  return rackSpareUp(state, rack) - (isReserved ? neededSpeed(state) : 0);
}
