import { assert, unreachable } from '../base/assert.ts';
import { addCopy, chooseMain, removeCopy, resize } from './copies.ts';
import { endDrain } from './links.ts';
import type { Image, Node, State, Transfer } from './state.ts';
import { abandon, complete, fail, land } from './transfers.ts';
import type { PlannerEvent } from './types.ts';

/**
 * Applies one event to the state. News of nodes that no longer take part, of copies that nobody
 * needs and of images that nobody holds changes nothing.
 */
export function applyEvent(state: State, event: PlannerEvent): void {
  switch (event.type) {
    case 'expected':
      state.expectedNodes = event.nodes;
      return;
    case 'joined':
      return join(state, event.node, event.roomBytes);
    case 'held':
      return hold(state, nodeOf(state, event.node), event);
    case 'sized':
      return resizeUnsafe(state.images.get(event.image), event.bytes);
    case 'rack':
    case 'assembled':
    case 'sketched':
      return;
    case 'listed':
      nodeOf(state, event.node).listed = true;
      return;
    case 'stays':
      nodeOf(state, event.node).stays = true;
      return;
    case 'arrived':
      return land(state, transferOf(state, event.transfer));
    case 'durable':
      return complete(state, transferOf(state, event.transfer));
    case 'failed':
      return fail(state, transferOf(state, event.transfer), event.blame);
    case 'spoiled':
      return spoil(state, nodeOf(state, event.node), event.image);
    case 'lost':
      return lose(state, nodeOf(state, event.node));
    case 'senders-allowed':
      assert(event.senders >= 1, 'at least one node may send to the frontend');
      state.senders = event.senders;
      return;
    default:
      return unreachable(event);
  }
}

function join(state: State, id: string, roomBytes: number): void {
  const before = state.nodes.get(id);
  assert(before?.phase !== 'up', `${id} joins once, or again after it was lost or released`);
  if (before?.phase === 'lost') state.lostCount -= 1;
  if (before?.phase === 'released') state.releasedCount -= 1;
  const node: Node = {
    id,
    order: before?.order ?? state.nodes.size,
    phase: 'up',
    listed: false,
    stays: false,
    freeBytes: roomBytes,
    copies: new Map(),
    outgoing: new Set(),
    incoming: new Set(),
    seated: new Set(),
    loadBytes: 0,
    drainsTo: undefined,
    fillsFrom: undefined,
    drainsToFrontend: false,
    hasReceived: false,
    avoids: new Set(),
    targetFaults: 0,
  };
  state.nodes.set(id, node);
  state.up.add(node);
}

function hold(state: State, node: Node, held: Held): void {
  if (node.phase !== 'up') return;
  const known = state.images.get(held.image);
  const image = known ?? newImage(held);
  if (known === undefined) {
    state.images.set(image.id, image);
    state.waitingCount += 1;
  }
  if (image.state === 'safe' || node.copies.has(image)) return;
  const copy = { image, node, hops: 0, reservedBytes: 0, faults: 0 };
  const other = image.main?.node;
  addCopy(state, copy);
  // Of two copies the one counts whose node keeps more besides: the other node is free sooner.
  if (other === undefined || image.transfer !== undefined || image.state !== 'waiting') return;
  if (node.loadBytes > other.loadBytes - image.bytes) chooseMain(image, copy);
}

type Held = Extract<PlannerEvent, { type: 'held' }>;

function newImage({ image, bytes, direct = false }: Held): Image {
  return {
    id: image,
    bytes,
    direct,
    state: 'waiting',
    failures: 0,
    copies: new Set(),
    main: undefined,
    transfer: undefined,
    seat: undefined,
    refusedBy: new Set(),
  };
}

function resizeUnsafe(image: Image | undefined, bytes: number): void {
  if (image !== undefined && image.state !== 'safe') resize(image, bytes);
}

function spoil(state: State, node: Node, id: string): void {
  const image = state.images.get(id);
  const copy = image === undefined ? undefined : node.copies.get(image);
  if (image === undefined || copy === undefined) return;
  removeCopy(copy);
  state.doubtful.add(image);
  if (copy.hops === 0 && image.main === undefined) node.stays = true;
}

/** What was landing from the node needs it no more, and goes on; all else of its transfers ends. */
function lose(state: State, node: Node): void {
  if (node.phase !== 'up') return;
  node.phase = 'lost';
  state.lostCount += 1;
  state.up.delete(node);
  for (const transfer of node.incoming) abandon(state, transfer);
  for (const transfer of node.outgoing) {
    if (transfer.phase === 'moving') abandon(state, transfer);
  }
  endDrain(node);
  if (node.fillsFrom !== undefined) endDrain(node.fillsFrom);
  for (const copy of node.copies.values()) {
    removeCopy(copy);
    state.doubtful.add(copy.image);
  }
}

function nodeOf(state: State, id: string): Node {
  const node = state.nodes.get(id);
  assert(node !== undefined, `node ${id} has joined`);
  return node;
}

function transferOf(state: State, id: string): Transfer {
  const transfer = state.transfers.get(id);
  assert(transfer !== undefined, `transfer ${id} was commanded`);
  return transfer;
}
