import { chooseKeepers, isAble } from './choose-keepers.ts';
import { slowness } from './rates.ts';
import { touch, touchAll, type Node, type State } from './state.ts';

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
  const nodeCount = countNodes(state);
  if (objective.kind === 'target') return nodeCount - Math.ceil(objective.fraction * nodeCount);
  return maxHops === 1 ? Math.ceil(Math.sqrt(nodeCount)) : undefined;
}

function isReached(state: State, count: number): boolean {
  const left = countNodes(state) - state.releasedCount - state.lostCount - state.stayingCount;
  return count < 1 || left <= count;
}

/** Those of the run, joined or not. */
function countNodes({ expectedNodes, nodes }: State): number {
  return Math.max(expectedNodes, nodes.size);
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
