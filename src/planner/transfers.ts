import { assert } from '../base/assert.ts';
import { addCopy, chooseMain, removeCopy, reseat } from './copies.ts';
import { endDrain, giveUpBerth } from './drains.ts';
import { ownBytes } from './kin.ts';
import { neededSpeed, outSpeed, rackSpareUp } from './rates.ts';
import {
  touch,
  type Copy,
  type Image,
  type Node,
  type Replica,
  type State,
  type Transfer,
} from './state.ts';
import { FRONTEND, type Blame, type PlannerCommand } from './types.ts';

/** Starts to pull a replica from where it counts onto `to` (undefined: the frontend). */
export function beginPull(state: State, replica: Replica, to: Node | undefined): PlannerCommand {
  const { image, main } = replica;
  assert(main !== undefined && replica.transfer === undefined, `${image.id} can be pulled`);
  assert(to !== undefined || image.frontendPull === undefined, `${image.id} is pulled once`);
  giveUpBerth(state, replica);
  const from = main.node;
  const transfer: Transfer = {
    id: `t${state.transfers.size + 1}`,
    image,
    replica,
    kin: image.kin,
    from,
    to,
    hops: main.hops + 1,
    reservedBytes: to === undefined ? 0 : image.bytes,
    rackSpeed: to === undefined ? speedToFrontend(state, from) : 0,
    phase: 'moving',
  };
  state.transfers.set(transfer.id, transfer);
  state.active.add(transfer);
  from.outgoing.add(transfer);
  touch(state, from);
  if (to === undefined) {
    state.frontendPulls.add(transfer);
    image.frontendPull = transfer;
    from.leavingBytes = image.kin?.isThere === true ? ownBytes(image) : image.bytes;
    if (transfer.kin !== undefined) transfer.kin.coming += 1;
    if (from.rack !== undefined) {
      from.rack.upSpeed += transfer.rackSpeed;
      from.rack.frontendPulls += 1;
    }
  } else {
    to.freeBytes -= transfer.reservedBytes;
    to.incoming.add(transfer);
    touch(state, to);
  }
  replica.transfer = transfer;
  for (const one of to === undefined ? image.replicas : [replica]) reseat(state, one);
  return {
    type: 'pull',
    transfer: transfer.id,
    image: image.id,
    from: from.id,
    to: to?.id ?? FRONTEND,
  };
}

function speedToFrontend(state: State, from: Node): number {
  const speed = Math.min(outSpeed(state, from), neededSpeed(state));
  return Math.max(0, Math.min(speed, rackSpareUp(state, from.rack)));
}

/** The bytes are over: the links are free, the copy does not count yet. */
export function land(state: State, transfer: Transfer): void {
  if (transfer.phase !== 'moving') return;
  transfer.phase = 'landing';
  state.frontendPulls.delete(transfer);
  if (transfer.to === undefined) endFrontendPull(transfer);
  touch(state, transfer.from);
  if (transfer.to !== undefined) touch(state, transfer.to);
}

function endFrontendPull({ from, rackSpeed, kin }: Transfer): void {
  from.leavingBytes = 0;
  if (kin !== undefined) kin.coming -= 1;
  if (from.rack === undefined) return;
  from.rack.upSpeed -= rackSpeed;
  from.rack.frontendPulls -= 1;
}

/** The copy counts from now on, and the sender's does not. Accepts late news of a lost sender's. */
export function complete(state: State, transfer: Transfer): void {
  const { image, to, replica } = transfer;
  if (transfer.phase !== 'ended') {
    close(state, transfer);
    if (to !== undefined) to.freeBytes += transfer.reservedBytes;
  }
  if (to === undefined) makeSafe(state, image);
  else if (to.phase === 'up' && image.state !== 'safe') settleAt(state, transfer, to);
  reseat(state, replica);
}

/** Ends a transfer without a copy, blaming nobody; the image is free for another try. */
export function abandon(state: State, transfer: Transfer): void {
  if (transfer.phase === 'ended') return;
  const { image, replica, from, to } = transfer;
  close(state, transfer);
  if (to === undefined) for (const one of image.replicas) reseat(state, one);
  else {
    to.freeBytes += transfer.reservedBytes;
    if (from.channel?.to === to) endDrain(state, from);
    reseat(state, replica);
  }
}

/** Ends a transfer without a copy and remembers whose fault it was. */
export function fail(state: State, transfer: Transfer, blame: Blame): void {
  if (transfer.phase === 'ended') return;
  const { image, from, to } = transfer;
  if (blame === 'source') {
    const copy = from.copies.get(image);
    if (copy !== undefined) copy.faults += 1;
  }
  if (blame === 'link') {
    from.avoids.add(to?.id ?? FRONTEND);
    if (to === undefined && from.phase === 'up') state.cutOff.add(from);
  }
  if (blame === 'target' && to !== undefined) {
    image.refusedBy.add(to.id);
    to.targetFaults += 1;
  }
  image.failures += 1;
  abandon(state, transfer);
  const { main } = transfer.replica;
  if (blame === 'source' && main?.node === from) chooseMain(state, transfer.replica, undefined);
  for (const one of image.replicas) reseat(state, one);
  // What may be relayed has changed: images of this node that were in reach of the frontend, too.
  if (blame !== 'link') return;
  const seated = Array.from(from.seated);
  for (const replica of seated) reseat(state, replica);
}

/**
 * Removes all traces of copies of an image that the frontend has. Transfers of it that are still
 * under way end by themselves.
 */
function makeSafe(state: State, image: Image): void {
  if (image.state === 'safe') return;
  if (image.state === 'waiting') state.waitingCount -= 1;
  image.state = 'safe';
  for (const replica of image.replicas) giveUpBerth(state, replica);
  for (const copy of image.copies) removeCopy(state, copy);
  for (const replica of image.replicas) reseat(state, replica);
}

function settleAt(state: State, transfer: Transfer, to: Node): void {
  const { image, from, replica } = transfer;
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
  const isTaken = image.replicas.some(({ main }) => main === copy);
  if (!isTaken && replica.transfer === undefined) chooseMain(state, replica, copy);
  const old = from.copies.get(image);
  const isSpare = image.replicas.every(({ main }) => main !== old);
  // A relay that has handed its copy on drops it, whoever else counted on it meanwhile.
  const isHandedOn = isSpare || replica.transfer === undefined;
  if (old !== undefined && old.hops > 0 && isHandedOn) removeCopy(state, old);
}

function close(state: State, transfer: Transfer): void {
  const { from, to, image, replica } = transfer;
  land(state, transfer);
  transfer.phase = 'ended';
  state.active.delete(transfer);
  state.doubtful.add(image);
  from.outgoing.delete(transfer);
  to?.incoming.delete(transfer);
  if (replica.transfer === transfer) replica.transfer = undefined;
  if (image.frontendPull === transfer) image.frontendPull = undefined;
  touch(state, from);
  if (to !== undefined) touch(state, to);
}
