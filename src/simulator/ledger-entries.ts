import { FRONTEND, type PlannerOptions } from '../planner/types.ts';

/**
 * The plain truth about a run, kept from events and commands alone, for checkers. What a rule asks
 * for is indexed: a rule that is checked at each command must not look at the whole cluster, nor at
 * all that a node holds.
 */
export interface Ledger {
  /** A sender drops a relayed copy when so many others have one. */
  readonly copies: number;
  readonly nodes: Map<string, LedgerNode>;
  /** Nodes that take part with images that wait. */
  readonly waitingNodes: Map<string, LedgerNode>;
  readonly images: Map<string, LedgerImage>;
  readonly transfers: Map<string, LedgerTransfer>;
  /** Transfers to the frontend whose last byte has not arrived. */
  readonly frontendPulls: Set<LedgerTransfer>;
  senders: number;
  /** Nobody else is waited for. */
  assembled: boolean;
  /** Some node could not reach the frontend. */
  cutOffFrontend: boolean;
}

export interface LedgerNode {
  phase: 'up' | 'released' | 'lost';
  listed: boolean;
  /** It must not be released: it has what cannot be gathered. */
  stays: boolean;
  readonly roomBytes: number;
  /** Of foreign images on the node and on their way to it. */
  usedBytes: number;
  /** Durable copies by image; relayed ones have one hop or more. */
  readonly copies: Map<string, { readonly hops: number }>;
  /** Those of them that are needed, and of which no transfer is under way. */
  readonly waiting: Set<string>;
  /** Not ended, from it and to it. */
  readonly outgoing: Set<LedgerTransfer>;
  readonly incoming: Set<LedgerTransfer>;
}

export interface LedgerImage {
  bytes: number;
  safe: boolean;
  givenUp: boolean;
  failures: number;
  /** Nodes that take part and have a durable copy. */
  readonly holders: Set<string>;
  /** Transfers of it that have not ended. */
  readonly underWay: Set<LedgerTransfer>;
}

export interface LedgerTransfer {
  readonly image: string;
  readonly from: string;
  readonly to: string;
  readonly hops: number;
  phase: 'moving' | 'landing' | 'ended';
}

/** A copy, or where one would be. */
interface Place {
  readonly node: string;
  readonly image: string;
}

/** A ledger before the first event. */
export function createLedger({ senders, copies }: PlannerOptions): Ledger {
  return {
    copies,
    nodes: new Map(),
    waitingNodes: new Map(),
    images: new Map(),
    transfers: new Map(),
    frontendPulls: new Set(),
    senders,
    assembled: false,
    cutOffFrontend: false,
  };
}

/** Durable copies of `image` on nodes that take part. */
export function goodCopies(ledger: Ledger, image: string): number {
  return ledger.images.get(image)?.holders.size ?? 0;
}

/** `node` has a durable copy of `image` from now on. */
export function addCopy(ledger: Ledger, place: Place, hops: number): void {
  removeCopy(ledger, place);
  const holder = ledger.nodes.get(place.node);
  const image = ledger.images.get(place.image);
  if (holder === undefined || image === undefined) return;
  holder.copies.set(place.image, { hops });
  if (hops > 0) holder.usedBytes += image.bytes;
  if (holder.phase === 'up') image.holders.add(place.node);
  noteWaiting(ledger, place.image);
}

/** `node` has no copy of `image` any more. */
export function removeCopy(ledger: Ledger, place: Place): void {
  const holder = ledger.nodes.get(place.node);
  const copy = holder?.copies.get(place.image);
  if (holder === undefined || copy === undefined) return;
  const image = ledger.images.get(place.image);
  if (copy.hops > 0) holder.usedBytes -= image?.bytes ?? 0;
  holder.copies.delete(place.image);
  image?.holders.delete(place.node);
  unwait(ledger, place);
}

/** The image has another size: the room that it takes follows. */
export function resizeImage(ledger: Ledger, id: string, bytes: number): void {
  const image = ledger.images.get(id);
  if (image === undefined) return;
  const addedBytes = bytes - image.bytes;
  image.bytes = bytes;
  for (const node of image.holders) {
    const holder = ledger.nodes.get(node);
    if ((holder?.copies.get(id)?.hops ?? 0) > 0) use(holder, addedBytes);
  }
  for (const { to } of image.underWay) use(ledger.nodes.get(to), addedBytes);
}

/** `node` takes part no longer: its copies are of no use. */
export function leaveRun(ledger: Ledger, node: string, phase: 'released' | 'lost'): void {
  const left = ledger.nodes.get(node);
  if (left === undefined) return;
  left.phase = phase;
  for (const image of left.copies.keys()) ledger.images.get(image)?.holders.delete(node);
  left.waiting.clear();
  ledger.waitingNodes.delete(node);
}

/** A transfer begins. */
export function beginTransfer(ledger: Ledger, name: string, transfer: LedgerTransfer): void {
  const { from, to, image } = transfer;
  const known = ledger.images.get(image);
  ledger.transfers.set(name, transfer);
  ledger.nodes.get(from)?.outgoing.add(transfer);
  ledger.nodes.get(to)?.incoming.add(transfer);
  use(ledger.nodes.get(to), known?.bytes ?? 0);
  if (to === FRONTEND) ledger.frontendPulls.add(transfer);
  known?.underWay.add(transfer);
  noteWaiting(ledger, image);
}

/** A transfer has all its bytes. */
export function landTransfer(ledger: Ledger, transfer: LedgerTransfer): void {
  if (transfer.phase === 'ended') return;
  transfer.phase = 'landing';
  ledger.frontendPulls.delete(transfer);
}

/** A transfer ends, one way or the other. */
export function endTransfer(ledger: Ledger, transfer: LedgerTransfer): void {
  if (transfer.phase === 'ended') return;
  const { from, to, image } = transfer;
  const known = ledger.images.get(image);
  transfer.phase = 'ended';
  ledger.frontendPulls.delete(transfer);
  ledger.nodes.get(from)?.outgoing.delete(transfer);
  ledger.nodes.get(to)?.incoming.delete(transfer);
  use(ledger.nodes.get(to), -(known?.bytes ?? 0));
  known?.underWay.delete(transfer);
  noteWaiting(ledger, image);
}

/** Brings what waits on the holders of an image up to date, after something of it has changed. */
export function noteWaiting(ledger: Ledger, id: string): void {
  const image = ledger.images.get(id);
  if (image === undefined) return;
  const waits = !image.safe && !image.givenUp && image.underWay.size === 0;
  for (const node of image.holders) {
    if (waits) wait(ledger, { node, image: id });
    else unwait(ledger, { node, image: id });
  }
}

function wait(ledger: Ledger, { node, image }: Place): void {
  const holder = ledger.nodes.get(node);
  if (holder === undefined) return;
  holder.waiting.add(image);
  ledger.waitingNodes.set(node, holder);
}

function unwait(ledger: Ledger, { node, image }: Place): void {
  const holder = ledger.nodes.get(node);
  holder?.waiting.delete(image);
  if (holder?.waiting.size === 0) ledger.waitingNodes.delete(node);
}

function use(node: LedgerNode | undefined, bytes: number): void {
  if (node !== undefined) node.usedBytes += bytes;
}
