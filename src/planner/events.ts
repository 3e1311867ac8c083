import { assert, unreachable } from '../base/assert.ts';
import { classify } from './classify.ts';
import { addCopy, chooseMain, removeCopy, resize } from './copies.ts';
import { endDrain } from './drains.ts';
import { assemble, leave, stay } from './taking-part.ts';
import { learn, noteRate, updateFullRate } from './rates.ts';
import {
  touch,
  touchAll,
  type Image,
  type Node,
  type Replica,
  type State,
  type Transfer,
} from './state.ts';
import { abandon, complete, fail, land } from './transfers.ts';
import type { PlannerEvent } from './types.ts';

type Event<Type extends PlannerEvent['type']> = Extract<PlannerEvent, { type: Type }>;

/**
 * Applies one event to the state. News of nodes that no longer take part, of copies that nobody
 * needs and of images that nobody holds changes nothing.
 */
export function applyEvent(state: State, event: PlannerEvent): void {
  switch (event.type) {
    case 'expected':
      state.expectedNodes = event.nodes;
      state.keepersStale = true;
      return;
    case 'rack':
      return addRack(state, event);
    case 'joined':
      return join(state, event);
    case 'assembled':
      return assemble(state);
    case 'held':
      return hold(state, nodeOf(state, event.node), event);
    case 'sketched':
      return sketch(state, event);
    case 'sized':
      return resizeUnsafe(state, state.images.get(event.image), event.bytes);
    case 'listed':
      return list(state, nodeOf(state, event.node));
    case 'stays':
      return stay(state, nodeOf(state, event.node));
    case 'arrived':
      return arrive(state, transferOf(state, event.transfer), event.bytesPerSecond);
    case 'durable':
      return complete(state, transferOf(state, event.transfer));
    case 'failed':
      return fail(state, transferOf(state, event.transfer), event.blame);
    case 'spoiled':
      return spoil(state, nodeOf(state, event.node), event.image);
    case 'lost':
      return lose(state, nodeOf(state, event.node));
    case 'senders-allowed':
      return allowSenders(state, event.senders);
    default:
      return unreachable(event);
  }
}

function addRack(state: State, { rack: id, upBytesPerSecond, downBytesPerSecond }: Event<'rack'>) {
  const rack = rackOf(state, id);
  Object.assign(rack, { upBytesPerSecond, downBytesPerSecond });
}

function rackOf(state: State, id: string) {
  const known = state.racks.get(id);
  if (known !== undefined) return known;
  const rack = {
    id,
    upBytesPerSecond: Infinity,
    downBytesPerSecond: Infinity,
    upSpeed: 0,
    downSpeed: 0,
    frontendPulls: 0,
    listed: 0,
    keepers: 0,
    waitingBytes: 0,
  };
  state.racks.set(id, rack);
  return rack;
}

function join(state: State, event: Event<'joined'>): void {
  const { node: id, roomBytes, link, rack, weight = 1, deadline = Infinity } = event;
  assert(weight > 0, 'a node counts in the mean');
  const before = state.nodes.get(id);
  assert(before?.phase !== 'up', `${id} joins once, or again after it was lost or released`);
  if (before?.phase === 'lost') state.lostCount -= 1;
  if (before?.phase === 'released') state.releasedCount -= 1;
  const node: Node = {
    id,
    order: before?.order ?? state.nodes.size,
    rack: rack === undefined ? undefined : rackOf(state, rack),
    weight,
    deadline,
    phase: 'up',
    listed: false,
    stays: false,
    up: { bytesPerSecond: link?.upBytesPerSecond, isMeasured: false },
    down: { bytesPerSecond: link?.downBytesPerSecond, isMeasured: false },
    freeBytes: roomBytes,
    copies: new Map(),
    kin: new Map(),
    mainCount: 0,
    outgoing: new Set(),
    incoming: new Set(),
    seated: new Set(),
    loadBytes: 0,
    leavingBytes: 0,
    unrelayable: 0,
    draining: false,
    channel: undefined,
    sources: new Set(),
    fillSpeed: 0,
    awaited: new Set(),
    awaitedBytes: 0,
    keeps: false,
    waitingBytes: 0,
    sendsIn: undefined,
    receivesIn: undefined,
    avoids: new Set(),
    targetFaults: 0,
  };
  state.nodes.set(id, node);
  state.up.add(node);
  state.unlistedCount += 1;
  state.keepersStale = true;
  if (deadline < Infinity) state.hasDeadlines = true;
  noteRate(state, link?.upBytesPerSecond);
  touch(state, node);
}

function hold(state: State, node: Node, held: Event<'held'>): void {
  if (node.phase !== 'up') return;
  const known = state.images.get(held.image);
  const image = known ?? newImage(state, held);
  if (known === undefined) {
    state.images.set(image.id, image);
    state.waitingCount += 1;
  }
  if (image.state === 'safe' || node.copies.has(image)) return;
  const copy = { image, node, hops: 0, reservedBytes: 0, faults: 0 };
  addCopy(state, copy);
  if (image.state !== 'waiting' || image.replicas.some(({ main }) => main === copy)) return;
  const worse = image.replicas.find((replica) => isBetter(replica, node));
  if (worse !== undefined) chooseMain(state, worse, copy);
}

/** Of two copies the one counts whose node keeps more besides: the other node is free sooner. */
function isBetter({ image, main, transfer }: Replica, node: Node): boolean {
  if (main === undefined || transfer !== undefined || image.frontendPull !== undefined)
    return false;
  return node.loadBytes > main.node.loadBytes - image.bytes;
}

function newImage({ options }: State, { image: id, bytes, direct = false }: Event<'held'>): Image {
  const replicas: Replica[] = [];
  const image: Image = {
    id,
    bytes,
    kin: undefined,
    sharedShare: 0,
    direct,
    state: 'waiting',
    failures: 0,
    copies: new Set(),
    replicas,
    frontendPull: undefined,
    refusedBy: new Set(),
  };
  for (let count = 0; count < options.copies; count += 1) {
    replicas.push({
      image,
      main: undefined,
      transfer: undefined,
      seat: undefined,
      seatBytes: 0,
      isRelayable: false,
      berth: undefined,
    });
  }
  return image;
}

function sketch(state: State, { image: id, sketch: found }: Event<'sketched'>): void {
  const image = state.images.get(id);
  if (image !== undefined) classify(state, image, found);
}

function resizeUnsafe(state: State, image: Image | undefined, bytes: number): void {
  if (image !== undefined && image.state !== 'safe') resize(state, image, { bytes });
}

function list(state: State, node: Node): void {
  if (!node.listed && node.phase === 'up') {
    state.unlistedCount -= 1;
    if (node.rack !== undefined) node.rack.listed += 1;
  }
  node.listed = true;
  const rate = node.up.bytesPerSecond ?? state.fullBytesPerSecond ?? 1;
  const seconds = (node.loadBytes + node.leavingBytes) / rate;
  state.shortestSeconds = Math.min(state.shortestSeconds, seconds);
  state.longestSeconds = Math.max(state.longestSeconds, seconds);
  state.keepersStale = true;
  touch(state, node);
}

function arrive(state: State, transfer: Transfer, bytesPerSecond: number | undefined): void {
  if (transfer.phase !== 'moving') return;
  if (bytesPerSecond !== undefined) learn(state, transfer, bytesPerSecond);
  land(state, transfer);
  if (transfer.to === undefined && transfer.image.kin !== undefined) {
    transfer.image.kin.isThere = true;
  }
}

function spoil(state: State, node: Node, id: string): void {
  const image = state.images.get(id);
  const copy = image === undefined ? undefined : node.copies.get(image);
  if (image === undefined || copy === undefined) return;
  removeCopy(state, copy);
  state.doubtful.add(image);
  const isLast = image.copies.size === 0;
  if (copy.hops === 0 && isLast) stay(state, node);
}

/** What was landing from the node needs it no more, and goes on; all else of its transfers ends. */
function lose(state: State, node: Node): void {
  if (node.phase !== 'up') return;
  leave(state, node, 'lost');
  state.keepersStale = true;
  for (const transfer of node.incoming) abandon(state, transfer);
  for (const transfer of node.outgoing) {
    if (transfer.phase === 'moving') abandon(state, transfer);
  }
  endDrain(state, node);
  for (const source of node.sources) endDrain(state, source);
  for (const { seat } of node.awaited) if (seat !== undefined) endDrain(state, seat);
  for (const copy of node.copies.values()) {
    removeCopy(state, copy);
    state.doubtful.add(copy.image);
  }
}

function allowSenders(state: State, senders: number): void {
  assert(senders >= 1, 'at least one node may send to the frontend');
  state.senders = senders;
  updateFullRate(state);
  touchAll(state);
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
