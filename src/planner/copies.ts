import { assert } from '../base/assert.ts';
import { FRONTEND } from './types.ts';
import { ownBytes } from './kin.ts';
import { touch, type Copy, type Image, type Node, type Replica, type State } from './state.ts';

/**
 * Failures of an image's transfers after which it is not relayed for the sake of an early release.
 */
const MAX_RELAY_FAILURES = 2;

/**
 * Notes a durable copy. It counts for all replicas that have none; beyond that the caller decides,
 * see `chooseMain`. An image that was given up for want of a copy waits again.
 */
export function addCopy(state: State, copy: Copy): void {
  const { image, node } = copy;
  assert(!node.copies.has(image), `${node.id} has no copy of ${image.id} yet`);
  assert(image.state !== 'safe', `${image.id} is not at the frontend yet`);
  node.copies.set(image, copy);
  image.copies.add(copy);
  if (image.kin !== undefined) countKin(copy, 1);
  touch(state, node);
  if (image.state === 'given-up' && image.replicas.every(({ main }) => main === undefined)) {
    image.state = 'waiting';
    image.failures = 0;
    state.waitingCount += 1;
  }
  for (const replica of image.replicas) {
    if (replica.main === undefined) chooseMain(state, replica, copy);
  }
  spreadMains(state, copy);
}

/** A copy that counts for nobody does for one of two replicas that are in the same place. */
function spreadMains(state: State, copy: Copy): void {
  const { replicas } = copy.image;
  if (replicas.length === 1 || replicas.some(({ main }) => main === copy)) return;
  const crowded = replicas.find(
    (one) =>
      one.transfer === undefined &&
      one.berth === undefined &&
      replicas.some((other) => other !== one && other.main === one.main),
  );
  if (crowded !== undefined) chooseMain(state, crowded, copy);
}

/** Forgets a copy and gives its room back; where it counted, another one takes its place. */
export function removeCopy(state: State, copy: Copy): void {
  const { image, node } = copy;
  node.copies.delete(image);
  node.freeBytes += copy.reservedBytes;
  image.copies.delete(copy);
  if (image.kin !== undefined) countKin(copy, -1);
  touch(state, node);
  for (const replica of image.replicas) {
    if (replica.main === copy) chooseMain(state, replica, undefined);
  }
}

/** Tells the node of a copy what it is like. */
export function countKin({ image: { kin }, node }: Copy, change: 1 | -1): void {
  if (kin === undefined) return;
  const before = node.kin.get(kin) ?? 0;
  node.kin.set(kin, before + change);
  if (before === 0) kin.holders += 1;
  if (before + change === 0) kin.holders -= 1;
}

/**
 * Lets `copy` count for the replica, or, without one, the copy that failed least of those that count
 * for no other replica, if there are any.
 */
export function chooseMain(state: State, replica: Replica, copy: Copy | undefined): void {
  const before = replica.main;
  replica.main = copy ?? bestCopy(replica);
  if (before !== undefined) before.node.mainCount -= 1;
  if (before !== undefined) touch(state, before.node);
  if (replica.main !== undefined) replica.main.node.mainCount += 1;
  // With it changes what others may do.
  for (const one of replica.image.replicas) reseat(state, one);
}

function bestCopy(replica: Replica): Copy | undefined {
  const taken = new Set(
    replica.image.replicas.map((one) => (one === replica ? undefined : one.main)),
  );
  let best: { readonly copy: Copy; readonly faults: number } | undefined;
  for (const copy of replica.image.copies) {
    const faults = taken.has(copy) ? Infinity : copy.faults;
    if (best === undefined || faults < best.faults) best = { copy, faults };
  }
  return best?.copy;
}

/** Brings the replica's seat, and the load of the nodes concerned, up to date. */
export function reseat(state: State, replica: Replica): void {
  const { image } = replica;
  unseat(state, replica);
  if (replica.main !== undefined) touch(state, replica.main.node);
  if (image.state !== 'waiting') return;
  const isLeaving = image.frontendPull?.replica === replica;
  const seat = isLeaving ? undefined : (replica.transfer?.to ?? replica.main?.node);
  if (seat === undefined) return;
  replica.seat = seat;
  replica.seatBytes = ownBytes(image);
  replica.isRelayable = isRelayable(state, replica);
  seat.seated.add(replica);
  seat.loadBytes += replica.seatBytes;
  if (!replica.isRelayable) seat.unrelayable += 1;
  state.seatedBytes += replica.seatBytes / image.replicas.length;
  touch(state, seat);
}

function unseat(state: State, replica: Replica): void {
  const { seat, image } = replica;
  if (seat === undefined) return;
  seat.seated.delete(replica);
  seat.loadBytes = seat.seated.size === 0 ? 0 : seat.loadBytes - replica.seatBytes;
  if (!replica.isRelayable) seat.unrelayable -= 1;
  state.seatedBytes -= replica.seatBytes / image.replicas.length;
  replica.seat = undefined;
  touch(state, seat);
}

/**
 * True if one more relay of the replica is allowed and has a chance. After a few failures only the
 * way to the frontend is tried, where there is one: nodes that cannot reach each other must not use
 * up tries. A copy on a relay moves on only when all replicas are in different places.
 */
function isRelayable({ options }: State, { image, main }: Replica): boolean {
  if (main === undefined || main.hops >= options.maxHops || main.faults > 0) return false;
  if (image.failures >= options.maxAttempts) return false;
  if (main.hops > 0 && new Set(image.replicas.map((one) => one.main)).size < options.copies)
    return false;
  const mayWait = !image.direct && image.failures < MAX_RELAY_FAILURES;
  return mayWait || main.node.avoids.has(FRONTEND);
}

/** A better figure of the image's size or of its likeness: loads and reservations follow. */
export function resize(
  state: State,
  image: Image,
  {
    bytes = image.bytes,
    sharedShare = image.sharedShare,
  }: Partial<Pick<Image, 'bytes' | 'sharedShare'>>,
): void {
  image.bytes = bytes;
  image.sharedShare = sharedShare;
  for (const copy of image.copies) {
    if (copy.hops > 0) copy.reservedBytes = rebook(copy.node, copy.reservedBytes, bytes);
  }
  for (const replica of image.replicas) {
    const { transfer, berth } = replica;
    if (transfer?.to !== undefined) {
      transfer.reservedBytes = rebook(transfer.to, transfer.reservedBytes, bytes);
    }
    if (berth !== undefined) {
      berth.reservedBytes = rebook(berth.to, berth.reservedBytes, bytes);
      berth.to.awaitedBytes += ownBytes(image) - berth.costBytes;
      berth.costBytes = ownBytes(image);
      touch(state, berth.to);
    }
    reseat(state, replica);
  }
}

function rebook(node: Node, oldBytes: number, newBytes: number): number {
  node.freeBytes += oldBytes - newBytes;
  return newBytes;
}
