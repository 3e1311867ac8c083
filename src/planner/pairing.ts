import type { Berths } from './drains.ts';
import { bytesOnto } from './kin.ts';
import { receives, sendsToFrontend, sendsToPeer } from './links.ts';
import {
  downSpeed,
  FULL,
  neededSpeed,
  rackSpareDown,
  rackSpareUp,
  SLOW_SHARE,
  slowness,
  upSpeed,
} from './rates.ts';
import { compareKeys, type Key } from './ranking.ts';
import { isForTarget, remaining, senderKey, speedAlone } from './standing.ts';
import type { Node, Rack, Replica, State } from './state.ts';
import { FRONTEND } from './types.ts';

/** Senders of a rack, and receivers of a group, that are looked at before the next event. */
const MAX_SENDERS = 8;
const MAX_RECEIVERS = 8;

/** Images of a node, and nodes, among which room is sought for all of it. */
const MAX_SPLIT_IMAGES = 256;
const MAX_SPLIT_NODES = 32;

/** A relay that takes longer than on the best receiver by less than this is as good. */
const ALIKE = 1.1;

/** An image of which others have more than this waits for one of them. */
const MUCH_SHARED = 0.5;

/** A receiver that takes less of what its sender can give is left to slower ones. */
const MIN_SHARE = 0.5;

/** All that is on `from` is to move to these. */
export interface ChosenDrain {
  readonly from: Node;
  readonly berths: Berths;
}

interface Offer {
  readonly to: Node;
  readonly slowness: number;
  readonly cost: number;
  readonly isInRack: boolean;
  readonly part: number;
}

/**
 * The next node that should be emptied onto others: the least loaded sends to the most loaded that
 * takes all it has. Halving the number of nodes per slot in this way meets the bound at 1, 3, 7, …
 * slots. Where room is short, several receivers share what is on a node.
 *
 * The frontend has chosen before, so whoever is idle here would have to wait for it at least until
 * a slot is free, and then needs as long as now: the relay always frees the sender sooner.
 */
export function chooseDrain(state: State): ChosenDrain | undefined {
  if (state.rankings.receivers.size === 0) return undefined;
  for (const from of foremostSenders(state)) {
    const to = bestReceiver(state, from);
    const berths = to === undefined ? split(state, from) : allTo(from, to);
    if (berths !== undefined) return { from, berths };
  }
  return undefined;
}

/**
 * The first of each rack, in order; for a target those of the rack first that has most to send for
 * each of its keepers, so that it gets at others' keepers in time.
 */
function foremostSenders(state: State): Node[] {
  const foremost: { readonly node: Node; readonly key: Key }[] = [];
  for (const [rack, ranking] of state.rankings.senders) {
    const backlog = isForTarget(state) ? backlogOf(rack) : 0;
    let count = 0;
    for (const node of ranking.items()) {
      if (count === MAX_SENDERS) break;
      count += 1;
      foremost.push({ node, key: [-backlog, ...senderKey(state, node)] });
    }
  }
  foremost.sort((one, other) => compareKeys(one.key, other.key));
  return foremost.map(({ node }) => node);
}

function backlogOf(rack: Rack | undefined): number {
  return rack === undefined ? 0 : rack.waitingBytes / Math.max(rack.keepers, MIN_SHARE);
}

function allTo(from: Node, to: Node): Berths {
  return new Map([...from.seated].map((replica) => [replica, to]));
}

function bestReceiver(state: State, from: Node): Node | undefined {
  let best: Offer | undefined;
  for (const ranking of state.rankings.receivers.values()) {
    let seen = 0;
    for (const to of ranking.items()) {
      if (seen === MAX_RECEIVERS) break;
      seen += 1;
      const offer = offerOf(state, from, to);
      if (offer !== undefined && (best === undefined || isBetter(offer, best))) best = offer;
    }
  }
  return best?.to;
}

/** What it means to empty `from` onto `to`; undefined if it should not be done. */
function offerOf(state: State, from: Node, to: Node): Offer | undefined {
  if (!maySendTo(state, from, to) || !takesAll(to, from)) return undefined;
  const speed = freeSpeed(state, from, to);
  if (speed === undefined) return undefined;
  let bytes = 0;
  let isKnown = false;
  for (const { image } of from.seated) {
    const full = bytesOnto(to, image);
    // What is shared moves once, with the first.
    bytes += isKnown ? image.bytes * (1 - image.sharedShare) : full;
    isKnown ||= image.kin !== undefined && full === image.bytes;
  }
  return {
    to,
    slowness: slowness(state, to),
    cost: bytes / speed,
    isInRack: from.rack === to.rack,
    part: to.stays ? Infinity : remaining(state, to) / to.weight,
  };
}

/** Whether it makes sense at all. */
function maySendTo(state: State, from: Node, to: Node): boolean {
  if (to === from || !comesAfter(state, to, from) || isStrange(from, to)) return false;
  return staysInTime(state, from, to);
}

function isBetter(offer: Offer, best: Offer): boolean {
  if (offer.slowness !== best.slowness) return offer.slowness < best.slowness;
  if (offer.cost * ALIKE < best.cost) return true;
  if (best.cost * ALIKE < offer.cost) return false;
  if (offer.isInRack !== best.isInRack) return offer.isInRack;
  return offer.part > best.part;
}

/**
 * True if what the images on `from` share with others would have to move as well, and does not have
 * to: others that take part have it.
 */
function isStrange(from: Node, to: Node): boolean {
  for (const { image } of from.seated) {
    const { kin, sharedShare } = image;
    if (kin === undefined || sharedShare < MUCH_SHARED || (to.kin.get(kin) ?? 0) > 0) continue;
    if (kin.holders > 1) return true;
  }
  return false;
}

/**
 * Whoever is released sooner sends, but nobody sends to a slower node, which would have to send it
 * on. Keepers only receive.
 */
function comesAfter(state: State, to: Node, from: Node): boolean {
  if (to.keeps || to.stays) return true;
  const [after, before] = [slowness(state, to), slowness(state, from)];
  if (after !== before) return after < before;
  if (to.deadline !== from.deadline) return to.deadline > from.deadline;
  return remaining(state, to) / to.weight >= remaining(state, from) / from.weight;
}

/**
 * What the receiver has then still reaches the frontend in the time that all the rest takes, unless
 * a target has to be reached first.
 */
function staysInTime(state: State, from: Node, to: Node): boolean {
  if (isForTarget(state)) return true;
  const loadBytes = to.loadBytes + to.awaitedBytes + from.loadBytes;
  return loadBytes <= state.seatedBytes * speedAlone(state, to) * (1 + 1e-9);
}

/** All of the sender's images, or it would be relayed for nothing. */
function takesAll(to: Node, from: Node): boolean {
  if (to.freeBytes < from.loadBytes) return false;
  let roomBytes = to.freeBytes;
  for (const replica of from.seated) {
    roomBytes -= replica.image.bytes;
    if (roomBytes < 0 || !accepts(to, replica, from) || isTwiceOn(from, replica)) return false;
  }
  return true;
}

/** Then two nodes have to take it. */
function isTwiceOn(from: Node, { image }: Replica): boolean {
  return image.replicas.length > 1 && image.replicas.filter(({ seat }) => seat === from).length > 1;
}

/** True if nothing but room keeps `to` from taking the replica. */
export function accepts(to: Node, replica: Replica, from: Node): boolean {
  const { image } = replica;
  if (to.phase !== 'up' || to.copies.has(image)) return false;
  if (image.refusedBy.has(to.id) || from.avoids.has(to.id)) return false;
  return image.replicas.every(
    (one) => one === replica || (one.seat !== to && one.berth?.to !== to),
  );
}

/**
 * How fast `from` can send to `to` beside all that is under way, in links of the frontend;
 * undefined if that is not what the slower of the two can do, or not half of what the sender can.
 */
export function freeSpeed(state: State, from: Node, to: Node): number | undefined {
  const most = speedBetween(state, from, to);
  if (most < MIN_SHARE * upSpeed(state, from)) return undefined;
  const isSlow = most <= SLOW_SHARE * downSpeed(state, to);
  let spare = downSpeed(state, to) * (isSlow ? 1 + SLOW_SHARE : 1) - to.fillSpeed;
  if (from.rack !== to.rack) {
    spare = Math.min(spare, spareBesideFrontend(state, from.rack), rackSpareDown(state, to.rack));
  }
  return spare >= FULL * most ? Math.min(most, spare) : undefined;
}

/** How fast the two could be with all else idle. */
export function speedBetween(state: State, from: Node, to: Node): number {
  return Math.min(upSpeed(state, from), downSpeed(state, to));
}

/**
 * A rack's uplink is first of all for what goes to the frontend, unless a target has to be reached
 * first.
 */
function spareBesideFrontend(state: State, rack: Rack | undefined): number {
  const isReserved = rack !== undefined && rack.frontendPulls === 0 && !isForTarget(state);
  return rackSpareUp(state, rack) - (isReserved ? neededSpeed(state) : 0);
}

/** Room for all that is on `from` on several nodes, the first that have any. */
function split(state: State, from: Node): Berths | undefined {
  if (from.seated.size < 2 || from.seated.size > MAX_SPLIT_IMAGES) return undefined;
  const rooms = new Map<Node, number>();
  for (const ranking of state.rankings.receivers.values()) {
    for (const to of ranking.items()) {
      if (rooms.size === MAX_SPLIT_NODES) break;
      if (maySendTo(state, from, to) && freeSpeed(state, from, to) !== undefined) {
        rooms.set(to, to.freeBytes);
      }
    }
  }
  const berths = new Map<Replica, Node>();
  for (const replica of from.seated) {
    const to = firstFit(rooms, replica, { from, berths });
    if (to === undefined) return undefined;
    berths.set(replica, to);
    rooms.set(to, (rooms.get(to) ?? 0) - replica.image.bytes);
  }
  return berths;
}

function firstFit(
  rooms: ReadonlyMap<Node, number>,
  replica: Replica,
  { from, berths }: ChosenDrain,
): Node | undefined {
  const { image } = replica;
  for (const [to, roomBytes] of rooms) {
    if (roomBytes < image.bytes || !accepts(to, replica, from)) continue;
    if (image.replicas.every((one) => berths.get(one) !== to)) return to;
  }
  return undefined;
}

/**
 * A way round for a node that cannot reach the frontend: a node that can takes all it has, even one
 * that the frontend is emptying. These are rare: all nodes are looked at.
 */
export function chooseDetour(state: State): ChosenDrain | undefined {
  for (const from of state.cutOff) {
    const isIdle =
      !from.draining && !receives(from) && !sendsToPeer(from) && !sendsToFrontend(from);
    if (!isIdle || !from.listed || from.unrelayable > 0 || from.seated.size === 0) continue;
    for (const to of state.up) {
      const mayKeep = !to.draining && !receives(to) && (to.seated.size > 0 || !to.listed);
      if (mayKeep && !to.avoids.has(FRONTEND) && takesAll(to, from)) {
        return { from, berths: allTo(from, to) };
      }
    }
  }
  return undefined;
}
