import { FRONTEND } from './types.ts';
import { fairPartBytes, nextImage, sendsToFrontend, sendsToPeer } from './links.ts';
import type { Image, Node, State } from './state.ts';

/** What the frontend should pull next, and whether it comes back to that node until it is empty. */
export interface FrontendChoice {
  readonly node: Node;
  readonly image: Image;
  readonly untilEmpty: boolean;
}

interface Candidate {
  readonly node: Node;
  readonly image: Image;
  readonly partBytes: number;
  readonly keepers: ReadonlySet<Node> | undefined;
}

/**
 * Chooses for one free slot of the frontend; undefined if nothing can be pulled. In this order: a
 * node that reaches the frontend, whose uplink is free, whose next image has not failed, that is
 * being drained already, that has more than one sender's part of all, that can be released and is
 * no keeper, and on which the least is left, what is still to come onto it included. So the
 * frontend never idles while data exists: a receiving node's uplink is free, and in the last resort
 * it takes the next image of a node that sends to a peer.
 */
export function chooseForFrontend(
  state: State,
  keepers: ReadonlySet<Node> | undefined,
): FrontendChoice | undefined {
  let best: { node: Node; image: Image; key: readonly number[] } | undefined;
  let drained = 0;
  const partBytes = fairPartBytes(state);
  for (const node of state.up) {
    if (node.drainsToFrontend) drained += 1;
    if (sendsToFrontend(node) || isOnDetour(node)) continue;
    const image = nextImage(node);
    if (image === undefined) continue;
    const key = urgency({ node, image, partBytes, keepers });
    if (best === undefined || isLess(key, best.key)) best = { node, image, key };
  }
  if (best === undefined) return undefined;
  const { node, image } = best;
  const isBegun = drained < state.senders && keepers?.has(node) !== true;
  return { node, image, untilEmpty: node.drainsToFrontend || isBegun };
}

/** True if the frontend is out of reach, and a peer that reaches it takes the images. */
function isOnDetour(node: Node): boolean {
  return node.avoids.has(FRONTEND) && node.drainsTo !== undefined;
}

/** Compared number by number; less is better. */
function urgency({ node, image, partBytes, keepers }: Candidate): number[] {
  const totalBytes = node.loadBytes + (node.fillsFrom?.loadBytes ?? 0);
  return [
    node.avoids.has(FRONTEND) ? 1 : 0,
    node.drainsTo !== undefined || sendsToPeer(node) ? 1 : 0,
    image.failures,
    node.drainsToFrontend ? 0 : 1,
    totalBytes >= partBytes ? 0 : 1,
    node.stays || keepers?.has(node) === true ? 1 : 0,
    totalBytes,
    node.order,
  ];
}

function isLess(left: readonly number[], right: readonly number[]): boolean {
  for (const [place, value] of left.entries()) {
    const other = right[place] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}
