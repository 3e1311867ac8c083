import { byLoad } from './links.ts';
import type { Node, State } from './state.ts';

/**
 * The nodes that keep others' images while a `target` is not reached; undefined when the target
 * does not bind (any more) and the rule for the least mean holds.
 *
 * Of n nodes all but k = n − ceil(fraction·n) are to be released early, so k nodes can keep: those
 * that have received already, then the most loaded. With k of n/5 each takes four images in turn,
 * and the frontend one per slot besides: 80 % are released after four slots, which is the bound.
 */
export function currentKeepers(state: State): ReadonlySet<Node> | undefined {
  const { objective } = state.options;
  if (objective.kind !== 'target') return undefined;
  const nodeCount = Math.max(state.expectedNodes, state.nodes.size);
  const keeperCount = nodeCount - Math.ceil(objective.fraction * nodeCount);
  let remaining = nodeCount - state.releasedCount - state.lostCount;
  for (const node of state.up) if (node.stays) remaining -= 1;
  if (keeperCount < 1 || remaining <= keeperCount) return undefined;
  const able = [...state.up].filter(
    (node) => node.seated.size > 0 && (node.hasReceived || isFreeToKeep(node)),
  );
  able.sort((left, right) => rank(left) - rank(right) || byLoad(right, left));
  return new Set(able.slice(0, keeperCount));
}

function isFreeToKeep(node: Node): boolean {
  return node.drainsTo === undefined && !node.drainsToFrontend;
}

function rank(node: Node): number {
  return node.hasReceived ? 0 : 1;
}
