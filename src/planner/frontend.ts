import { nextReplica } from './links.ts';
import { FULL, isBelowPart, neededSpeed, rackSpareUp } from './rates.ts';
import { isForTarget, secondsAlone } from './standing.ts';
import type { Node, Replica, State } from './state.ts';

/**
 * Nodes that are looked at for one that can be pulled from at full rate, without bringing anything
 * twice.
 */
const MAX_CANDIDATES = 16;

/** As many are hardly all slow if some are fast. */
const ENOUGH_NODES = 4;

/** What the frontend should pull next. */
export interface FrontendChoice {
  readonly node: Node;
  readonly replica: Replica;
}

/**
 * Chooses for one free slot of the frontend; undefined if nothing can be pulled, or if only nodes
 * that do not fill the link are there yet: the others will be soon.
 *
 * The frontend never idles beyond that while data exists: a receiving node's uplink is free, and in
 * the last resort it takes the next image of a node that sends to a peer.
 */
export function chooseForFrontend(state: State): FrontendChoice | undefined {
  const { forFrontend, heaviest } = state.rankings;
  const first = firstUnhindered(state) ?? forFrontend.first();
  if (first === undefined) return undefined;
  const replica = nextReplica(state, first);
  if (replica === undefined) return undefined;
  if (isTooSlow(state, first)) return undefined;
  const last = isForTarget(state) ? undefined : heaviest.first();
  const next = last === undefined ? undefined : nextReplica(state, last);
  if (last !== undefined && next !== undefined && isUrgent(state, last, replica)) {
    return { node: last, replica: next };
  }
  return { node: first, replica };
}

/**
 * The first one that nothing speaks against: the uplink of its rack may be full of relays while that
 * of the next one is not, and what its image has in common with others may be on its way already.
 */
function firstUnhindered(state: State): Node | undefined {
  let seen = 0;
  for (const node of state.rankings.forFrontend.items()) {
    if (seen === MAX_CANDIDATES) break;
    seen += 1;
    if (rackSpareUp(state, node.rack) < FULL * neededSpeed(state)) continue;
    const kin = nextReplica(state, node)?.image.kin;
    if (kin === undefined || kin.isThere || kin.coming === 0) return node;
  }
  return undefined;
}

/**
 * Where several nodes are needed to fill the frontend's link, whoever has more to send than all of
 * them together would need time for has to send without a break from now on, or it would send alone
 * at the end (McNaughton 1959): here, if it had to wait for one other image.
 */
function isUrgent(state: State, node: Node, { image }: Replica): boolean {
  const waitSeconds = image.bytes / neededSpeed(state);
  return secondsAlone(state, node) + waitSeconds > state.seatedBytes * (1 + 1e-9);
}

/** While few nodes are there a faster one may come at any moment. */
function isTooSlow(state: State, node: Node): boolean {
  if (state.assembled || state.nodes.size - state.unlistedCount >= ENOUGH_NODES) return false;
  return isBelowPart(state, node) && node.unrelayable === 0 && state.options.maxHops > 0;
}
