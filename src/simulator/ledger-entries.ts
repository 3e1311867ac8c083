import { FRONTEND } from '../planner/types.ts';

/**
 * The plain truth about a run, kept from events and commands alone, for checkers. What a rule asks
 * for is indexed: a rule that is checked at each command must not look at the whole cluster.
 */
export interface Ledger {
  readonly nodes: Map<string, LedgerNode>;
  readonly images: Map<string, LedgerImage>;
  readonly transfers: Map<string, LedgerTransfer>;
  /** Transfers to the frontend whose last byte has not arrived. */
  readonly frontendPulls: Set<LedgerTransfer>;
  senders: number;
  /** Some node could not reach the frontend. */
  cutOffFrontend: boolean;
}

export interface LedgerNode {
  phase: 'up' | 'released' | 'lost';
  listed: boolean;
  /** It must not be released: it has what cannot be gathered. */
  stays: boolean;
  readonly roomBytes: number;
  /** Durable copies by image; relayed ones have one hop or more. */
  readonly copies: Map<string, { readonly hops: number }>;
  /** From it or to it, and not ended. */
  readonly transfers: Set<LedgerTransfer>;
}

interface LedgerImage {
  bytes: number;
  safe: boolean;
  givenUp: boolean;
  failures: number;
  /** Nodes that take part and have a durable copy. */
  readonly holders: Set<string>;
  /** Transfers of it that have not ended. */
  underWay: number;
}

export interface LedgerTransfer {
  readonly image: string;
  readonly from: string;
  readonly to: string;
  readonly hops: number;
  phase: 'moving' | 'landing' | 'ended';
}

/** A ledger before the first event. */
export function createLedger(senders: number): Ledger {
  return {
    nodes: new Map(),
    images: new Map(),
    transfers: new Map(),
    frontendPulls: new Set(),
    senders,
    cutOffFrontend: false,
  };
}

/** Durable copies of `image` on nodes that take part. */
export function goodCopies(ledger: Ledger, image: string): number {
  return ledger.images.get(image)?.holders.size ?? 0;
}

/** `node` has a durable copy of `image` from now on. */
export function addCopy(
  ledger: Ledger,
  { node, image }: { readonly node: string; readonly image: string },
  hops: number,
): void {
  const holder = ledger.nodes.get(node);
  holder?.copies.set(image, { hops });
  if (holder?.phase === 'up') ledger.images.get(image)?.holders.add(node);
}

/** `node` has no copy of `image` any more. */
export function removeCopy(
  ledger: Ledger,
  { node, image }: { readonly node: string; readonly image: string },
): void {
  ledger.nodes.get(node)?.copies.delete(image);
  ledger.images.get(image)?.holders.delete(node);
}

/** `node` takes part no longer: its copies are of no use. */
export function leaveRun(ledger: Ledger, node: string, phase: 'released' | 'lost'): void {
  const left = ledger.nodes.get(node);
  if (left === undefined) return;
  left.phase = phase;
  for (const image of left.copies.keys()) ledger.images.get(image)?.holders.delete(node);
}

/** A transfer begins. */
export function beginTransfer(ledger: Ledger, name: string, transfer: LedgerTransfer): void {
  ledger.transfers.set(name, transfer);
  for (const node of endsOf(ledger, transfer)) node.transfers.add(transfer);
  if (transfer.to === FRONTEND) ledger.frontendPulls.add(transfer);
  const image = ledger.images.get(transfer.image);
  if (image !== undefined) image.underWay += 1;
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
  transfer.phase = 'ended';
  ledger.frontendPulls.delete(transfer);
  for (const node of endsOf(ledger, transfer)) node.transfers.delete(transfer);
  const image = ledger.images.get(transfer.image);
  if (image !== undefined) image.underWay -= 1;
}

function endsOf(ledger: Ledger, { from, to }: LedgerTransfer): LedgerNode[] {
  return [from, to].flatMap((id) => ledger.nodes.get(id) ?? []);
}
