import { unreachable } from '../base/assert.ts';
import { FRONTEND, type PlannerCommand, type PlannerEvent } from '../planner/types.ts';

/** The plain truth about a run, kept from events and commands alone, for checkers. */
export interface Ledger {
  readonly nodes: Map<string, LedgerNode>;
  readonly images: Map<string, LedgerImage>;
  readonly transfers: Map<string, LedgerTransfer>;
  /** Those that have not ended. */
  readonly active: Set<LedgerTransfer>;
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
}

interface LedgerImage {
  bytes: number;
  safe: boolean;
  givenUp: boolean;
  failures: number;
}

interface LedgerTransfer {
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
    active: new Set(),
    senders,
    cutOffFrontend: false,
  };
}

/** Durable copies of `image` on nodes that take part. */
export function goodCopies(ledger: Ledger, image: string): number {
  let count = 0;
  for (const node of ledger.nodes.values()) {
    if (node.phase === 'up' && node.copies.has(image)) count += 1;
  }
  return count;
}

/** Books one event or command. */
export function applyToLedger(ledger: Ledger, entry: PlannerEvent | PlannerCommand): void {
  switch (entry.type) {
    case 'joined':
      return bookJoin(ledger, entry.node, entry.roomBytes);
    case 'held':
      return bookHeld(ledger, entry);
    case 'sized':
      return change(ledger.images.get(entry.image), (image) => (image.bytes = entry.bytes));
    case 'listed':
      return change(ledger.nodes.get(entry.node), (node) => (node.listed = true));
    case 'stays':
      return change(ledger.nodes.get(entry.node), (node) => (node.stays = true));
    case 'pull':
      return bookPull(ledger, entry);
    case 'arrived':
      return change(ledger.transfers.get(entry.transfer), (one) => (one.phase = 'landing'));
    case 'durable':
      return change(ledger.transfers.get(entry.transfer), (one) => bookDurable(ledger, one));
    case 'failed':
      return change(ledger.transfers.get(entry.transfer), (one) => {
        end(ledger, one);
        change(ledger.images.get(one.image), (image) => (image.failures += 1));
        if (one.to === FRONTEND && entry.blame === 'link') ledger.cutOffFrontend = true;
      });
    case 'spoiled':
      return bookSpoiled(ledger, entry);
    case 'lost':
      return bookLost(ledger, entry.node);
    case 'release':
      return change(ledger.nodes.get(entry.node), (node) => (node.phase = 'released'));
    case 'give-up':
      return change(ledger.images.get(entry.image), (image) => (image.givenUp = true));
    case 'senders-allowed':
      ledger.senders = entry.senders;
      return;
    case 'expected':
      return;
    default:
      return unreachable(entry);
  }
}

function change<Entry>(entry: Entry | undefined, action: (entry: Entry) => unknown): void {
  if (entry !== undefined) action(entry);
}

function bookJoin(ledger: Ledger, id: string, roomBytes: number): void {
  ledger.nodes.set(id, { phase: 'up', listed: false, stays: false, roomBytes, copies: new Map() });
}

function bookHeld(ledger: Ledger, held: { node: string; image: string; bytes: number }): void {
  const image = ledger.images.get(held.image);
  if (image === undefined) {
    const fresh = { bytes: held.bytes, safe: false, givenUp: false, failures: 0 };
    ledger.images.set(held.image, fresh);
  } else if (image.givenUp && goodCopies(ledger, held.image) === 0) revive(image);
  ledger.nodes.get(held.node)?.copies.set(held.image, { hops: 0 });
}

/** A node whose bad original was the only copy stays. */
function bookSpoiled(ledger: Ledger, spoiled: { node: string; image: string }): void {
  const node = ledger.nodes.get(spoiled.node);
  const copy = node?.copies.get(spoiled.image);
  if (node === undefined || copy === undefined) return;
  node.copies.delete(spoiled.image);
  if (copy.hops === 0 && goodCopies(ledger, spoiled.image) === 0) node.stays = true;
}

function revive(image: LedgerImage): void {
  image.givenUp = false;
  image.failures = 0;
}

function bookPull(ledger: Ledger, pull: Extract<PlannerCommand, { type: 'pull' }>): void {
  const { image, from, to, transfer } = pull;
  const hops = (ledger.nodes.get(from)?.copies.get(image)?.hops ?? 0) + 1;
  const booked: LedgerTransfer = { image, from, to, hops, phase: 'moving' };
  ledger.transfers.set(transfer, booked);
  ledger.active.add(booked);
}

function bookDurable(ledger: Ledger, transfer: LedgerTransfer): void {
  const { image, from, to, hops } = transfer;
  end(ledger, transfer);
  if (to === FRONTEND) {
    change(ledger.images.get(image), (known) => (known.safe = true));
    for (const node of ledger.nodes.values()) node.copies.delete(image);
    return;
  }
  const target = ledger.nodes.get(to);
  if (target?.phase !== 'up') return;
  const known = ledger.images.get(image);
  if (known?.givenUp === true && goodCopies(ledger, image) === 0) revive(known);
  target.copies.set(image, { hops });
  const source = ledger.nodes.get(from);
  if ((source?.copies.get(image)?.hops ?? 0) > 0) source?.copies.delete(image);
}

function end(ledger: Ledger, transfer: LedgerTransfer): void {
  transfer.phase = 'ended';
  ledger.active.delete(transfer);
}

/** What was landing from the lost node goes on. */
function bookLost(ledger: Ledger, id: string): void {
  const node = ledger.nodes.get(id);
  if (node?.phase !== 'up') return;
  node.phase = 'lost';
  node.copies.clear();
  for (const transfer of ledger.active) {
    const isCutOff = transfer.from === id && transfer.phase === 'moving';
    if (transfer.to === id || isCutOff) end(ledger, transfer);
  }
}
