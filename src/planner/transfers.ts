import { assert } from '../base/assert.ts';
import { addCopy, chooseMain, removeCopy, reseat } from './copies.ts';
import { FRONTEND, type Blame, type PlannerCommand } from './types.ts';
import { endDrain } from './links.ts';
import type { Copy, Image, Node, State, Transfer } from './state.ts';

/** Starts to pull `image` from where it counts onto `to` (undefined: the frontend). */
export function beginPull(state: State, image: Image, to: Node | undefined): PlannerCommand {
  const main = image.main;
  assert(main !== undefined && image.transfer === undefined, `${image.id} can be pulled`);
  const transfer: Transfer = {
    id: `t${state.transfers.size + 1}`,
    image,
    from: main.node,
    to,
    hops: main.hops + 1,
    reservedBytes: to === undefined ? 0 : image.bytes,
    phase: 'moving',
  };
  state.transfers.set(transfer.id, transfer);
  state.active.add(transfer);
  main.node.outgoing.add(transfer);
  if (to === undefined) state.frontendPulls.add(transfer);
  else {
    to.freeBytes -= transfer.reservedBytes;
    to.hasReceived = true;
    to.incoming.add(transfer);
  }
  image.transfer = transfer;
  reseat(image);
  const { id, from } = transfer;
  return { type: 'pull', transfer: id, image: image.id, from: from.id, to: to?.id ?? FRONTEND };
}

/** The bytes are over: the links are free, the copy does not count yet. */
export function land(state: State, transfer: Transfer): void {
  if (transfer.phase !== 'moving') return;
  transfer.phase = 'landing';
  state.frontendPulls.delete(transfer);
}

/** The copy counts from now on, and the sender's does not. Accepts late news of a lost sender's. */
export function complete(state: State, transfer: Transfer): void {
  const { image, to } = transfer;
  if (transfer.phase !== 'ended') {
    close(state, transfer);
    if (to !== undefined) to.freeBytes += transfer.reservedBytes;
  }
  if (to === undefined) makeSafe(state, image);
  else if (to.phase === 'up' && image.state !== 'safe') settleAt(state, transfer, to);
  reseat(image);
}

/** Ends a transfer without a copy, blaming nobody; the image is free for another try. */
export function abandon(state: State, transfer: Transfer): void {
  if (transfer.phase === 'ended') return;
  close(state, transfer);
  state.doubtful.add(transfer.image);
  if (transfer.to !== undefined) transfer.to.freeBytes += transfer.reservedBytes;
  if (transfer.to !== undefined && transfer.from.drainsTo === transfer.to) endDrain(transfer.from);
  reseat(transfer.image);
}

/** Ends a transfer without a copy and remembers whose fault it was. */
export function fail(state: State, transfer: Transfer, blame: Blame): void {
  if (transfer.phase === 'ended') return;
  const { image, from, to } = transfer;
  abandon(state, transfer);
  image.failures += 1;
  from.drainsToFrontend = false;
  if (blame === 'link') from.avoids.add(to?.id ?? FRONTEND);
  if (blame === 'target' && to !== undefined) {
    image.refusedBy.add(to.id);
    to.targetFaults += 1;
  }
  if (blame === 'source') {
    const copy = from.copies.get(image);
    if (copy !== undefined) copy.faults += 1;
    if (image.main === copy) chooseMain(image, undefined);
  }
}

/** Removes all traces of copies of an image that the frontend has. */
function makeSafe(state: State, image: Image): void {
  if (image.state === 'safe') return;
  if (image.state === 'waiting') state.waitingCount -= 1;
  image.state = 'safe';
  const rival = image.transfer;
  if (rival !== undefined) abandon(state, rival);
  for (const copy of image.copies) removeCopy(copy);
  reseat(image);
}

function settleAt(state: State, transfer: Transfer, to: Node): void {
  const { image, from } = transfer;
  if (to.copies.has(image)) return;
  const copy: Copy = {
    image,
    node: to,
    hops: transfer.hops,
    reservedBytes: image.bytes,
    faults: 0,
  };
  to.freeBytes -= image.bytes;
  addCopy(state, copy);
  if (image.transfer === undefined) chooseMain(image, copy);
  const old = from.copies.get(image);
  if (old !== undefined && old.hops > 0 && image.main === copy) removeCopy(old);
}

function close(state: State, transfer: Transfer): void {
  land(state, transfer);
  transfer.phase = 'ended';
  state.active.delete(transfer);
  transfer.from.outgoing.delete(transfer);
  transfer.to?.incoming.delete(transfer);
  if (transfer.image.transfer === transfer) transfer.image.transfer = undefined;
}
