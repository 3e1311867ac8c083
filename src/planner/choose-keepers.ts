import { downSpeed, upSpeed } from './rates.ts';
import { groupOf } from './standing.ts';
import type { Node, State } from './state.ts';

/** Mixtures of keepers that are compared. */
const MAX_MIXTURES = 64;

/** Those that are slow to send are spread over nothing: they must be worth it. */
const CLEARLY = 0.97;

/** Rounds after which the worth of a receiver's link is known well enough. */
const MAX_ROUNDS = 8;

/**
 * The `count` nodes that should remain while all others are released.
 *
 * What all others hold goes over the links of the frontend, F, and of the keepers, d: that takes at
 * least (sum of their loads L) / (F + sum of d), and as long as each of them needs for its own. The
 * first is least when those with the most L + t·d remain, with t that least time itself (Dinkelbach
 * 1967). But a few of those that would need longest to send may remain instead, though they are of
 * less use as receivers; of such mixtures the one with the least bound is taken. Keepers are spread
 * over racks and kinds of images, so that not much has to leave a rack, and what images have in
 * common need not move.
 */
export function chooseKeepers(state: State, count: number): ReadonlySet<Node> {
  const nodes = [...state.up].filter((node) => heldBytes(node) > 0);
  const bySeconds = nodes.toSorted((one, other) => alone(state, other) - alone(state, one));
  const byWorth = orderByWorth(state, nodes, count);
  let best: { readonly seconds: number; readonly keepers: Set<Node> } | undefined;
  for (const slowCount of mixtures(count)) {
    const slow = new Set(bySeconds.slice(0, slowCount));
    const rest = byWorth.filter((node) => !slow.has(node));
    const keepers = new Set([...slow, ...spread(rest, count - slowCount)]);
    const seconds = secondsToEmpty(state, nodes, keepers);
    const most = Math.max(seconds.overLinks, seconds.longest);
    if (best === undefined || most < CLEARLY * best.seconds) best = { seconds: most, keepers };
  }
  return best?.keepers ?? new Set();
}

/** True if the node can be a keeper. */
export function isAble(node: Node): boolean {
  return node.phase === 'up' && heldBytes(node) > 0 && node.freeBytes > 0 && !node.draining;
}

/** All numbers up to `most`, or `MAX_MIXTURES` of them. */
function mixtures(most: number): number[] {
  const last = Math.min(most, MAX_MIXTURES);
  return Array.from({ length: last + 1 }, (_, step) =>
    Math.round((most * step) / Math.max(1, last)),
  );
}

/** Able nodes, the best receivers first, if so many of them keep. */
function orderByWorth(state: State, nodes: readonly Node[], count: number): Node[] {
  const able = nodes.filter((node) => isAble(node) || node.keeps);
  let order = able;
  let seconds = 0;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const worth = (node: Node): number => heldBytes(node) + seconds * downSpeed(state, node);
    order = able.toSorted(
      (one, other) => worth(other) - worth(one) || preference(one) - preference(other),
    );
    const { overLinks } = secondsToEmpty(state, nodes, new Set(order.slice(0, count)));
    if (overLinks === seconds) break;
    seconds = overLinks;
  }
  return order;
}

/** Of two that are as good: who keeps already, then who is not being emptied. */
function preference({ keeps, leavingBytes, order }: Node): number {
  if (keeps) return -1;
  return leavingBytes > 0 ? order + Number.MAX_SAFE_INTEGER / 2 : order;
}

/** The first `count` of these nodes, but of each group its share. */
function spread(nodes: readonly Node[], count: number): Node[] {
  const sizes = new Map<string, number>();
  for (const node of nodes) sizes.set(groupOf(node), (sizes.get(groupOf(node)) ?? 0) + 1);
  if (sizes.size === 1) return nodes.slice(0, count);
  const ranks = new Map<string, number>();
  const placed = nodes.map((node) => {
    const rank = (ranks.get(groupOf(node)) ?? 0) + 1;
    ranks.set(groupOf(node), rank);
    return { node, place: rank / (sizes.get(groupOf(node)) ?? 1) };
  });
  placed.sort((one, other) => one.place - other.place);
  return placed.slice(0, count).map(({ node }) => node);
}

/** What emptying all but the keepers takes at least, in bytes over the frontend's link. */
function secondsToEmpty(
  state: State,
  nodes: readonly Node[],
  keepers: ReadonlySet<Node>,
): { readonly overLinks: number; readonly longest: number } {
  let bytes = 0;
  let speed = 1;
  let longest = 0;
  for (const node of nodes) {
    if (!keepers.has(node)) {
      bytes += heldBytes(node);
      longest = Math.max(longest, alone(state, node));
    } else if (node.freeBytes > 0) speed += downSpeed(state, node);
  }
  return { overLinks: bytes / speed, longest };
}

function alone(state: State, node: Node): number {
  return heldBytes(node) / upSpeed(state, node);
}

function heldBytes({ loadBytes, leavingBytes }: Node): number {
  return loadBytes + leavingBytes;
}
