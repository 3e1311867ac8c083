import type { Ledger } from '../ledger.ts';

/** What a rival decides by: the ledger, and what follows from it at one moment. */
export interface Books {
  readonly ledger: Ledger;
  /** The run has so many nodes in all. */
  readonly expectedNodes: number;
  /** All nodes of the run have named their images, or are gone. */
  readonly isComplete: boolean;
  /** Where each image is that the frontend has not: of several copies the one that came furthest. */
  readonly places: ReadonlyMap<string, string>;
  /** By node, in order of joining: images there that can be pulled, in the order they came. */
  readonly waiting: ReadonlyMap<string, readonly string[]>;
  /** Nodes from which and onto which bytes move now. */
  readonly sendsToFrontend: ReadonlySet<string>;
  readonly sendsToPeer: ReadonlySet<string>;
  readonly receives: ReadonlySet<string>;
}

/** One image to be pulled. */
export interface Choice {
  readonly image: string;
  readonly from: string;
  /** A node, or `FRONTEND`. */
  readonly to: string;
}

/** Draws up the books of this moment, in time linear in the nodes and their images. */
export function drawUp(ledger: Ledger, expectedNodes: number): Books {
  const places = findPlaces(ledger);
  return {
    ledger,
    expectedNodes,
    isComplete: isComplete(ledger, expectedNodes),
    places,
    waiting: findWaiting(ledger, places),
    sendsToFrontend: new Set([...ledger.frontendPulls].map(({ from }) => from)),
    ...findRelays(ledger),
  };
}

/** Nodes with a copy of anything that the frontend has not. */
export function holders({ ledger }: Books): Set<string> {
  const ids = new Set<string>();
  for (const [id, node] of ledger.nodes) {
    if (node.phase === 'up' && node.copies.size > 0) ids.add(id);
  }
  return ids;
}

/** True if `node` takes part, has room for `image` and no copy of it yet. */
export function takes({ ledger }: Books, node: string, image: string): boolean {
  const known = ledger.nodes.get(node);
  if (known?.phase !== 'up' || known.copies.has(image)) return false;
  return known.roomBytes - known.usedBytes >= bytesOf(ledger, image);
}

/** What waits on `node` and what is on its way onto it. */
export function loadBytes({ ledger, waiting }: Books, node: string): number {
  const images = waiting.get(node) ?? [];
  return images.reduce(
    (sumBytes, image) => sumBytes + bytesOf(ledger, image),
    incomingBytes(ledger, node),
  );
}

function incomingBytes(ledger: Ledger, node: string): number {
  let sumBytes = 0;
  for (const { image } of ledger.nodes.get(node)?.incoming ?? []) {
    sumBytes += bytesOf(ledger, image);
  }
  return sumBytes;
}

function bytesOf(ledger: Ledger, image: string): number {
  return ledger.images.get(image)?.bytes ?? 0;
}

function isComplete({ nodes }: Ledger, expectedNodes: number): boolean {
  if (nodes.size < expectedNodes) return false;
  for (const { phase, listed } of nodes.values()) if (phase === 'up' && !listed) return false;
  return true;
}

function findPlaces({ nodes }: Ledger): Map<string, string> {
  const places = new Map<string, string>();
  const mostHops = new Map<string, number>();
  for (const [id, { phase, copies }] of nodes) {
    if (phase !== 'up') continue;
    for (const [image, { hops }] of copies) {
      if (hops <= (mostHops.get(image) ?? -1)) continue;
      mostHops.set(image, hops);
      places.set(image, id);
    }
  }
  return places;
}

/** Nodes from which, and nodes onto which, a relay moves. */
function findRelays({ nodes }: Ledger): Pick<Books, 'sendsToPeer' | 'receives'> {
  const sendsToPeer = new Set<string>();
  const receives = new Set<string>();
  for (const { incoming } of nodes.values()) {
    for (const { from, to, phase } of incoming) {
      if (phase !== 'moving') continue;
      sendsToPeer.add(from);
      receives.add(to);
    }
  }
  return { sendsToPeer, receives };
}

function findWaiting(
  { nodes, images }: Ledger,
  places: ReadonlyMap<string, string>,
): Map<string, string[]> {
  const waiting = new Map<string, string[]>();
  for (const [id, { copies }] of nodes) {
    const here = [...copies.keys()].filter((image) => {
      const known = images.get(image);
      return places.get(image) === id && known?.givenUp === false && known.underWay.size === 0;
    });
    if (here.length > 0) waiting.set(id, here);
  }
  return waiting;
}
