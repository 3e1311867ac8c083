import { FRONTEND } from './types.ts';
import { fairPartBytes, byLoad, isIdle, nextImage, receives } from './links.ts';
import type { Image, Node, State } from './state.ts';

/**
 * Faults as a receiver after which a node is not offered images any more: its disk is bad or full.
 */
const MAX_TARGET_FAULTS = 2;

/**
 * Failures of an image's transfers after which it is not relayed for the sake of an early release.
 */
const MAX_RELAY_FAILURES = 2;

/**
 * A relay may load a node with so much of one sender's part of what is left. Half was measured to
 * be a good bargain: see docs/decisions/0001.
 */
const MAX_RELAYED_PART = 0.5;

/** All images of `from` are to move to `to`. */
export interface Pair {
  readonly from: Node;
  readonly to: Node;
}

/**
 * Pairs idle nodes: the least loaded sends to the most loaded that takes all it has. Halving the
 * number of nodes per slot in this way meets the bound at 1, 3, 7, … slots.
 *
 * The frontend has chosen before, so whoever is idle here would have to wait for it at least until
 * a slot is free, and then needs as long as now: the relay always frees the sender sooner.
 */
export function choosePairs(state: State, keepers: ReadonlySet<Node> | undefined): Pair[] {
  const idle = [...state.up].filter((node) => node.seated.size > 0 && isIdle(node));
  const senders = idle.filter(
    (node) => !node.stays && keepers?.has(node) !== true && mayRelay(state, node),
  );
  if (senders.length === 0) return [];
  senders.sort(byLoad);
  const receivers = keepers === undefined ? idle : [...keepers].filter(mayKeep);
  receivers.sort((left, right) => byLoad(right, left));
  return match(senders, receivers, MAX_RELAYED_PART * fairPartBytes(state));
}

/**
 * Pairs nodes that cannot reach the frontend with nodes that can, even with one that the frontend
 * is draining.
 */
export function chooseDetours(state: State): Pair[] {
  const cut = [...state.up].filter((node) => node.avoids.has(FRONTEND) && mayRelay(state, node));
  const senders = cut.filter(isIdle);
  if (senders.length === 0) return [];
  const receivers = [...state.up].filter(
    (node) => !node.avoids.has(FRONTEND) && (node.seated.size > 0 || !node.listed) && mayKeep(node),
  );
  const pairs: Pair[] = [];
  for (const from of senders.sort(byLoad)) {
    const to = receivers.find(
      (node) => accepts(node, from) && pairs.every((pair) => pair.to !== node),
    );
    if (to !== undefined) pairs.push({ from, to });
  }
  return pairs;
}

/** True if `node` may receive `image` now. */
export function acceptsImage(node: Node, image: Image, from: Node): boolean {
  return (
    node.phase === 'up' &&
    node.freeBytes >= image.bytes &&
    node.targetFaults < MAX_TARGET_FAULTS &&
    !node.copies.has(image) &&
    !image.refusedBy.has(node.id) &&
    !from.avoids.has(node.id)
  );
}

/**
 * True if one more relay of `image` is allowed and has a chance. After a few failures only the way
 * to the frontend is tried, where there is one: nodes that cannot reach each other must not use up
 * tries.
 */
export function isRelayable(state: State, image: Image): boolean {
  const copy = image.main;
  if (copy === undefined || copy.hops >= state.options.maxHops || copy.faults > 0) return false;
  const mayWait = !image.direct && image.failures < MAX_RELAY_FAILURES;
  return mayWait || copy.node.avoids.has(FRONTEND);
}

/**
 * `senders` ascending, `receivers` descending by load: below the sender itself nobody is larger.
 */
function match(senders: readonly Node[], receivers: readonly Node[], mostBytes: number): Pair[] {
  const pairs: Pair[] = [];
  const taken = new Set<Node>();
  const mostRoomBytes = receivers.reduce((most, node) => Math.max(most, node.freeBytes), 0);
  for (const from of senders) {
    if (taken.has(from) || from.loadBytes > mostRoomBytes) continue;
    for (const to of receivers) {
      if (to === from) break;
      if (taken.has(to) || from.loadBytes + to.loadBytes > mostBytes) continue;
      if (!accepts(to, from)) continue;
      taken.add(from).add(to);
      pairs.push({ from, to });
      break;
    }
  }
  return pairs;
}

/** A keeper may receive while the frontend pulls from it, but not while it drains itself. */
function mayKeep(node: Node): boolean {
  return node.drainsTo === undefined && !receives(node);
}

/** Before all its images are named a node cannot be released, and how much it has is not known. */
function mayRelay(state: State, node: Node): boolean {
  if (!node.listed || nextImage(node) === undefined) return false;
  for (const image of node.seated) {
    if (image.transfer === undefined && !isRelayable(state, image)) return false;
  }
  return true;
}

/** All of the sender's images, or it would be relayed for nothing. */
function accepts(to: Node, from: Node): boolean {
  if (to.freeBytes < from.loadBytes) return false;
  for (const image of from.seated) if (!acceptsImage(to, image, from)) return false;
  return true;
}
