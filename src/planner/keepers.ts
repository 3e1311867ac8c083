import { downSpeed, slowness, upSpeed } from './rates.ts';
import { groupOf } from './standing.ts';
import { touch, touchAll, type Node, type State } from './state.ts';

/** Mixtures of keepers that are compared. */
const MAX_STEPS = 64;

/** Loads that differ by less are alike: then it does not matter who of them keeps. */
const ALIKE = 1.25;

/**
 * Keeps the choice of nodes that receive, while all others only send, up to date. It is made for the
 * sake of a target, until that is reached, and where images may make one relay only.
 *
 * Of n nodes all but k = n − ceil(fraction·n) are to be released early, so k nodes can keep. With k of
 * n/5 each takes four images in turn, and the frontend one per slot besides: 80 % are released after
 * four slots, which is the bound. With one relay and k keepers the mean is about n/2k + k/2 slots,
 * the least of which is for k = √n.
 *
 * The choice waits until all nodes are there, unless their loads are alike.
 */
export function updateKeepers(state: State): void {
  const count = keeperCount(state);
  if (count === undefined || isReached(state, count)) {
    if (state.keepers !== undefined) dismiss(state);
    return;
  }
  if (state.keepers === undefined) {
    state.keepers = new Set();
    touchAll(state);
  }
  if (!state.keepersStale) return;
  state.keepersStale = false;
  if (state.assembled) appoint(state, chooseKeepers(state, count));
  else if (state.longestSeconds <= ALIKE * state.shortestSeconds) recruit(state, count);
}

/** How many keep; undefined if whoever is the most loaded may receive. */
function keeperCount(state: State): number | undefined {
  const { objective, maxHops } = state.options;
  const nodeCount = Math.max(state.expectedNodes, state.nodes.size);
  if (objective.kind === 'target') return nodeCount - Math.ceil(objective.fraction * nodeCount);
  return maxHops === 1 ? Math.ceil(Math.sqrt(nodeCount)) : undefined;
}

function isReached(state: State, count: number): boolean {
  const nodeCount = Math.max(state.expectedNodes, state.nodes.size);
  const left = nodeCount - state.releasedCount - state.lostCount - state.stayingCount;
  return count < 1 || left <= count;
}

function dismiss(state: State): void {
  for (const node of state.keepers ?? []) setKeeps(node, false);
  state.keepers = undefined;
  state.keepersStale = true;
  touchAll(state);
}

function appoint(state: State, chosen: ReadonlySet<Node>): void {
  const wasEmpty = state.keepers?.size === 0;
  for (const node of state.keepers ?? []) {
    if (chosen.has(node)) continue;
    setKeeps(node, false);
    touch(state, node);
  }
  for (const node of chosen) {
    if (node.keeps) continue;
    setKeeps(node, true);
    touch(state, node);
  }
  state.keepers = new Set(chosen);
  if (wasEmpty) touchAll(state);
}

function setKeeps(node: Node, keeps: boolean): void {
  node.keeps = keeps;
  if (node.rack !== undefined) node.rack.keepers += keeps ? 1 : -1;
}

/** Of nodes that are as good as others as many become keepers as their share of all nodes. */
function recruit(state: State, count: number): void {
  const keepers = state.keepers ?? new Set();
  const listed = state.nodes.size - state.unlistedCount;
  const share = Math.floor((count * listed) / state.expectedNodes);
  for (const node of state.touched) {
    if (keepers.size >= share) return;
    if (!node.listed || node.keeps || !isAble(node) || slowness(state, node) > 0) continue;
    const inRack = node.rack === undefined ? 0 : (count * node.rack.listed) / state.expectedNodes;
    if (node.rack !== undefined && node.rack.keepers >= Math.ceil(inRack)) continue;
    setKeeps(node, true);
    if (keepers.size === 0) touchAll(state);
    keepers.add(node);
    touch(state, node);
  }
}

function isAble(node: Node): boolean {
  return node.phase === 'up' && heldBytes(node) > 0 && node.freeBytes > 0 && !node.draining;
}

/**
 * The nodes that remain when the target is reached. What all others hold goes over the links of the
 * frontend F and of the keepers d: that takes at least (sum of their loads) / (F + sum of d), and as
 * long as each of them needs for its own. So the keepers are the most loaded, but a few of those
 * that would need longest to send may remain instead, though they are of no use as receivers; of
 * some such mixtures the one with the least bound is taken. In racks the keepers are spread, so that
 * not much has to leave a rack.
 */
function chooseKeepers(state: State, count: number): ReadonlySet<Node> {
  const nodes = [...state.up].filter((node) => heldBytes(node) > 0);
  const bySeconds = nodes.toSorted((left, right) => alone(state, right) - alone(state, left));
  const byLoad = nodes
    .filter((node) => isAble(node) || node.keeps)
    .toSorted(
      (left, right) => heldBytes(right) - heldBytes(left) || preference(left) - preference(right),
    );
  let best: { readonly seconds: number; readonly keepers: Set<Node> } | undefined;
  for (const slowCount of steps(count)) {
    const slow = bySeconds.slice(0, slowCount);
    const keepers = new Set([...slow, ...spread(state, byLoad, { slow, count })]);
    const seconds = secondsUntilReached(state, nodes, keepers);
    if (best === undefined || seconds < best.seconds) best = { seconds, keepers };
  }
  return best?.keepers ?? new Set();
}

/** Of two that are as loaded: who keeps already, then who is not being emptied. */
function preference({ keeps, leavingBytes, order }: Node): number {
  if (keeps) return -1;
  return leavingBytes > 0 ? order + Number.MAX_SAFE_INTEGER / 2 : order;
}

/** All numbers up to `most`, or `MAX_STEPS` of them. */
function steps(most: number): number[] {
  const last = Math.min(most, MAX_STEPS);
  return Array.from({ length: last + 1 }, (_, step) =>
    Math.round((most * step) / Math.max(1, last)),
  );
}

/** Of nodes in order of preference as many more as `count` leaves, of each group its share. */
function spread(
  state: State,
  nodes: readonly Node[],
  { slow, count }: { readonly slow: readonly Node[]; readonly count: number },
): Node[] {
  const left = count - slow.length;
  const able = nodes.filter((node) => !slow.includes(node));
  const ranks = new Map<string, number>();
  const sizes = new Map<string, number>();
  for (const node of able) sizes.set(groupOf(node), (sizes.get(groupOf(node)) ?? 0) + 1);
  if (sizes.size === 1) return able.slice(0, left);
  const placed = able.map((node) => {
    const rank = (ranks.get(groupOf(node)) ?? 0) + 1;
    ranks.set(groupOf(node), rank);
    return { node, place: rank / (sizes.get(groupOf(node)) ?? 1) };
  });
  return placed
    .toSorted((one, other) => one.place - other.place)
    .slice(0, left)
    .map(({ node }) => node);
}

function secondsUntilReached(
  state: State,
  nodes: readonly Node[],
  keepers: ReadonlySet<Node>,
): number {
  let bytes = 0;
  let speed = 1;
  let longest = 0;
  for (const node of nodes) {
    if (keepers.has(node)) {
      if (node.freeBytes > 0) speed += downSpeed(state, node);
      continue;
    }
    bytes += heldBytes(node);
    longest = Math.max(longest, alone(state, node));
  }
  return Math.max(bytes / speed, longest);
}

function alone(state: State, node: Node): number {
  return heldBytes(node) / upSpeed(state, node);
}

function heldBytes({ loadBytes, leavingBytes }: Node): number {
  return loadBytes + leavingBytes;
}
