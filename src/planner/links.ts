import { assert } from '../base/assert.ts';
import type { Image, Node, State } from './state.ts';

/** True while some byte leaves `node` for another node. */
export function sendsToPeer(node: Node): boolean {
  for (const transfer of node.outgoing) {
    if (transfer.phase === 'moving' && transfer.to !== undefined) return true;
  }
  return false;
}

/** True while some byte leaves `node` for the frontend. */
export function sendsToFrontend(node: Node): boolean {
  for (const transfer of node.outgoing) {
    if (transfer.phase === 'moving' && transfer.to === undefined) return true;
  }
  return false;
}

/** True while some byte comes to `node`, or its next is agreed on. */
export function receives(node: Node): boolean {
  if (node.fillsFrom !== undefined) return true;
  for (const transfer of node.incoming) if (transfer.phase === 'moving') return true;
  return false;
}

/** Neither sends nor receives nor drains: free for any new bond. */
export function isIdle(node: Node): boolean {
  if (node.drainsTo !== undefined || node.drainsToFrontend) return false;
  return !sendsToPeer(node) && !sendsToFrontend(node) && !receives(node);
}

/** The image that should leave `node` next: the one that failed least, then the first that came. */
export function nextImage(node: Node): Image | undefined {
  let best: Image | undefined;
  for (const image of node.seated) {
    if (image.transfer !== undefined) continue;
    if (image.failures === 0) return image;
    if (best === undefined || image.failures < best.failures) best = image;
  }
  return best;
}

/** Orders nodes by what is left on them, then by joining. */
export function byLoad(left: Node, right: Node): number {
  return (
    left.loadBytes - right.loadBytes ||
    left.seated.size - right.seated.size ||
    left.order - right.order
  );
}

/**
 * What each of the allowed senders has to send of all that is left. Where several nodes are needed
 * to fill the frontend's link, a node with more than its part will still send alone at the end.
 */
export function fairPartBytes(state: State): number {
  if (state.senders === 1) return Infinity;
  let leftBytes = 0;
  for (const node of state.up) leftBytes += node.loadBytes;
  return leftBytes / state.senders;
}

/** Bonds two nodes: all images of `from` will move to `to`. */
export function beginDrain(from: Node, to: Node): void {
  assert(from !== to && from.drainsTo === undefined, `${from.id} can drain to ${to.id}`);
  assert(to.fillsFrom === undefined, `${to.id} is not being filled`);
  from.drainsTo = to;
  to.fillsFrom = from;
}

/** Dissolves the bond in which `from` sends, if there is one; what moves goes on moving. */
export function endDrain(from: Node): void {
  if (from.drainsTo !== undefined) from.drainsTo.fillsFrom = undefined;
  from.drainsTo = undefined;
}
