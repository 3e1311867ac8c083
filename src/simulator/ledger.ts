import { unreachable } from '../base/assert.ts';
import { FRONTEND, type PlannerCommand, type PlannerEvent } from '../planner/types.ts';
import {
  addCopy,
  beginTransfer,
  endTransfer,
  goodCopies,
  landTransfer,
  leaveRun,
  noteWaiting,
  removeCopy,
  resizeImage,
  type Ledger,
  type LedgerImage,
  type LedgerNode,
  type LedgerTransfer,
} from './ledger-entries.ts';

export { createLedger, goodCopies, type Ledger } from './ledger-entries.ts';

/** Books one event or command. */
export function applyToLedger(ledger: Ledger, entry: PlannerEvent | PlannerCommand): void {
  switch (entry.type) {
    case 'joined':
      return bookJoin(ledger, entry.node, entry.roomBytes);
    case 'held':
      return bookHeld(ledger, entry);
    case 'sized':
      return resizeImage(ledger, entry.image, entry.bytes);
    case 'listed':
      return change(ledger.nodes.get(entry.node), (node) => (node.listed = true));
    case 'stays':
      return change(ledger.nodes.get(entry.node), (node) => (node.stays = true));
    case 'pull':
      return bookPull(ledger, entry);
    case 'arrived':
      return change(ledger.transfers.get(entry.transfer), (one) => landTransfer(ledger, one));
    case 'durable':
      return change(ledger.transfers.get(entry.transfer), (one) => bookDurable(ledger, one));
    case 'failed':
      return change(ledger.transfers.get(entry.transfer), (one) => {
        endTransfer(ledger, one);
        change(ledger.images.get(one.image), (image) => (image.failures += 1));
        if (one.to === FRONTEND && entry.blame === 'link') ledger.cutOffFrontend = true;
      });
    case 'spoiled':
      return bookSpoiled(ledger, entry);
    case 'lost':
      return bookLost(ledger, entry.node);
    case 'release':
      return leaveRun(ledger, entry.node, 'released');
    case 'give-up':
      return change(ledger.images.get(entry.image), (image) => {
        image.givenUp = true;
        noteWaiting(ledger, entry.image);
      });
    case 'senders-allowed':
      ledger.senders = entry.senders;
      return;
    case 'assembled':
      ledger.assembled = true;
      return;
    case 'expected':
    case 'rack':
    case 'sketched':
      return;
    default:
      return unreachable(entry);
  }
}

function change<Entry>(entry: Entry | undefined, action: (entry: Entry) => unknown): void {
  if (entry !== undefined) action(entry);
}

/** What was landing from the node when it left goes on. */
function bookJoin(ledger: Ledger, id: string, roomBytes: number): void {
  const node: LedgerNode = {
    phase: 'up',
    listed: false,
    stays: false,
    roomBytes,
    usedBytes: 0,
    copies: new Map(),
    waiting: new Set(),
    outgoing: ledger.nodes.get(id)?.outgoing ?? new Set(),
    incoming: new Set(),
  };
  ledger.nodes.set(id, node);
}

function bookHeld(ledger: Ledger, held: Extract<PlannerEvent, { type: 'held' }>): void {
  const image = ledger.images.get(held.image);
  if (image === undefined) {
    const state = { bytes: held.bytes, safe: false, givenUp: false, failures: 0 };
    ledger.images.set(held.image, { ...state, holders: new Set(), underWay: new Set() });
  } else if (image.givenUp && goodCopies(ledger, held.image) === 0) revive(image);
  addCopy(ledger, held, 0);
}

/** A node whose bad original was the only copy stays. */
function bookSpoiled(ledger: Ledger, spoiled: Extract<PlannerEvent, { type: 'spoiled' }>): void {
  const node = ledger.nodes.get(spoiled.node);
  const copy = node?.copies.get(spoiled.image);
  if (node === undefined || copy === undefined) return;
  removeCopy(ledger, spoiled);
  if (copy.hops === 0 && goodCopies(ledger, spoiled.image) === 0) node.stays = true;
}

function revive(image: LedgerImage): void {
  image.givenUp = false;
  image.failures = 0;
}

function bookPull(ledger: Ledger, pull: Extract<PlannerCommand, { type: 'pull' }>): void {
  const { image, from, to, transfer } = pull;
  const hops = (ledger.nodes.get(from)?.copies.get(image)?.hops ?? 0) + 1;
  beginTransfer(ledger, transfer, { image, from, to, hops, phase: 'moving' });
}

/** What is safe is dropped everywhere, and what has been sent on when there are enough others. */
function bookDurable(ledger: Ledger, transfer: LedgerTransfer): void {
  const { image, from, to, hops } = transfer;
  endTransfer(ledger, transfer);
  const known = ledger.images.get(image);
  if (known === undefined || known.safe) return;
  if (to === FRONTEND) {
    known.safe = true;
    for (const node of known.holders) removeCopy(ledger, { node, image });
    return;
  }
  if (ledger.nodes.get(to)?.phase !== 'up') return;
  if (known.givenUp && goodCopies(ledger, image) === 0) revive(known);
  addCopy(ledger, { node: to, image }, hops);
  const isRelayed = (ledger.nodes.get(from)?.copies.get(image)?.hops ?? 0) > 0;
  const others = goodCopies(ledger, image) - 1;
  if (isRelayed && others >= ledger.copies) removeCopy(ledger, { node: from, image });
}

/** What was landing from the lost node goes on. */
function bookLost(ledger: Ledger, id: string): void {
  const node = ledger.nodes.get(id);
  if (node?.phase !== 'up') return;
  leaveRun(ledger, id, 'lost');
  node.copies.clear();
  for (const transfer of node.incoming) endTransfer(ledger, transfer);
  for (const transfer of node.outgoing) {
    if (transfer.phase === 'moving') endTransfer(ledger, transfer);
  }
}
