import { assert } from '../base/assert.ts';
import type { Copy, Image, Node, State } from './state.ts';

/**
 * Notes a durable copy. It counts if there is no other; beyond that the caller decides, see
 * `chooseMain`. An image that was given up for want of a copy waits again.
 */
export function addCopy(state: State, copy: Copy): void {
  const { image, node } = copy;
  assert(!node.copies.has(image), `${node.id} has no copy of ${image.id} yet`);
  assert(image.state !== 'safe', `${image.id} is not at the frontend yet`);
  node.copies.set(image, copy);
  image.copies.add(copy);
  if (image.main !== undefined) return;
  if (image.state === 'given-up') {
    image.state = 'waiting';
    image.failures = 0;
    state.waitingCount += 1;
  }
  chooseMain(image, copy);
}

/** Forgets a copy and gives its room back; if it counted, another one takes its place. */
export function removeCopy(copy: Copy): void {
  copy.node.copies.delete(copy.image);
  copy.node.freeBytes += copy.reservedBytes;
  copy.image.copies.delete(copy);
  if (copy.image.main === copy) chooseMain(copy.image, undefined);
}

/** Lets `copy` count for the image, or, without one, the copy that failed least. */
export function chooseMain(image: Image, copy: Copy | undefined): void {
  image.main = copy ?? leastFaults(image.copies);
  reseat(image);
}

/** Brings the image's seat, and the load of the nodes concerned, up to date. */
export function reseat(image: Image): void {
  unseat(image);
  if (image.state !== 'waiting') return;
  const seat = image.transfer === undefined ? image.main?.node : image.transfer.to;
  if (seat === undefined) return;
  image.seat = seat;
  seat.seated.add(image);
  seat.loadBytes += image.bytes;
}

/** A better figure of the image's size: loads and reservations follow. */
export function resize(image: Image, bytes: number): void {
  unseat(image);
  for (const copy of image.copies) {
    if (copy.hops > 0) copy.reservedBytes = rebook(copy.node, copy.reservedBytes, bytes);
  }
  const transfer = image.transfer;
  if (transfer?.to !== undefined) {
    transfer.reservedBytes = rebook(transfer.to, transfer.reservedBytes, bytes);
  }
  image.bytes = bytes;
  reseat(image);
}

function rebook(node: Node, oldBytes: number, newBytes: number): number {
  node.freeBytes += oldBytes - newBytes;
  return newBytes;
}

function unseat(image: Image): void {
  if (image.seat === undefined) return;
  image.seat.seated.delete(image);
  image.seat.loadBytes -= image.bytes;
  image.seat = undefined;
}

function leastFaults(copies: Iterable<Copy>): Copy | undefined {
  let best: Copy | undefined;
  for (const copy of copies) {
    if (best === undefined || copy.faults < best.faults) best = copy;
  }
  return best;
}
