import { ownBytes } from './kin.ts';
import { nextReplica, receives, sendsToFrontend, sendsToPeer } from './links.ts';
import { downSpeed, neededSpeed, outSpeed, SLOW_SHARE, slowness, sourcesOf } from './rates.ts';
import { createRanking, type Key } from './ranking.ts';
import type { Node, State } from './state.ts';
import { FRONTEND } from './types.ts';

/**
 * Faults as a receiver after which a node is not offered images any more: its disk is bad or full.
 */
const MAX_TARGET_FAULTS = 2;

/**
 * One failure may be chance; an image that failed more often must not keep the frontend from the
 * others.
 */
const FORGIVEN_FAILURES = 1;

/** A receiver that has less than this of its link to spare is left alone. */
const MIN_SPARE = 0.05;

/** Brings the rankings up to date with all that was touched. */
export function refresh(state: State): void {
  for (const node of state.stale) rank(state, node);
  state.stale.clear();
}

function rank(state: State, node: Node): void {
  const { forFrontend, heaviest } = state.rankings;
  const key = frontendKey(state, node);
  forFrontend.place(node, key);
  const isHeavy = state.senders > 1 && key?.[0] === 0 && key[1] === 0;
  heaviest.place(node, isHeavy ? [-secondsAlone(state, node), node.order] : undefined);
  rankSender(state, node);
  rankReceiver(state, node);
}

/**
 * Who is pulled from first: a node that reaches the frontend, does not send to a peer, whose next
 * image has not failed, that fills its part of the link, that can be released and is no keeper; of
 * these the one with the soonest deadline, and on which the least is left for its weight, what is
 * still to come onto it included. While keepers are busy for the sake of a target, it is the one
 * on which most is left, as for each of them.
 */
function frontendKey(state: State, node: Node): Key | undefined {
  if (node.phase !== 'up' || sendsToFrontend(node)) return undefined;
  const isCutOff = node.avoids.has(FRONTEND);
  if (isCutOff && node.draining) return undefined;
  const next = nextReplica(state, node);
  if (next === undefined) return undefined;
  const part = remainingPart(state, node);
  return [
    isCutOff ? 1 : 0,
    node.draining || sendsToPeer(node) ? 1 : 0,
    Math.max(0, next.image.failures - FORGIVEN_FAILURES),
    mayBeRelayed(state, node) ? slowness(state, node) : 0,
    node.keeps || node.stays ? 1 : 0,
    node.deadline,
    isForTarget(state) ? -part : part,
    node.order,
  ];
}

function mayBeRelayed({ options }: State, { unrelayable, keeps, stays }: Node): boolean {
  return unrelayable === 0 && !keeps && !stays && options.maxHops > 0;
}

/** True if all machines that empty nodes, frontend and keepers, take the longest first. */
export function isForTarget({ keepers, options }: State): boolean {
  return keepers !== undefined && keepers.size > 0 && options.objective.kind === 'target';
}

/**
 * How long `node` is needed at least, in bytes over the frontend's link: it sends what is on it and
 * what is to come, and a slow sender holds it up.
 */
function remaining(state: State, node: Node): number {
  let most = (node.loadBytes + node.awaitedBytes) / outSpeed(state, node);
  for (const source of node.sources) most = Math.max(most, fillSeconds(source));
  return most;
}

/** The same for its weight. */
export function remainingPart(state: State, node: Node): number {
  return remaining(state, node) / node.weight;
}

/** The same as for a receiver: one that is not released anyway comes after all others. */
export function lateness(state: State, node: Node): number {
  return node.stays ? Infinity : remainingPart(state, node);
}

/** What the sender of a channel needs for all it has, and for what it sends now. */
function fillSeconds({ loadBytes, outgoing, channel }: Node): number {
  let bytes = loadBytes;
  for (const { to, phase, image } of outgoing) {
    if (to !== undefined && phase === 'moving') bytes += ownBytes(image);
  }
  return bytes / (channel?.speed ?? Infinity);
}

/** How long it would send alone, if nothing is known of its link as fast as one sender has to. */
export function secondsAlone(state: State, node: Node): number {
  return (node.loadBytes + node.awaitedBytes) / speedAlone(state, node);
}

/** How fast that is; `speed` is what it can give. */
export function speedAlone(
  state: State,
  node: Node,
  speed: number = outSpeed(state, node),
): number {
  const isKnown = node.up.bytesPerSecond !== undefined;
  return isKnown ? Math.min(1, speed) : neededSpeed(state);
}

/** Before all its images are named a node cannot be released, and how much it has is not known. */
function maySend(state: State, node: Node): boolean {
  if (node.phase !== 'up' || !node.listed || node.stays || node.keeps || node.draining)
    return false;
  if (node.seated.size === 0 || node.unrelayable > 0 || receives(node)) return false;
  if (state.hasDeadlines && node.deadline === Infinity && !state.assembled) return false;
  return !sendsToPeer(node) && !sendsToFrontend(node) && state.options.maxHops > 0;
}

function rankSender(state: State, node: Node): void {
  const isWaiting = maySend(state, node);
  const group = isWaiting ? groupOf(node) : undefined;
  placeIn(state, 'senders', node, { before: node.sendsIn, group });
  node.sendsIn = group;
  const waitingBytes = isWaiting ? node.loadBytes : 0;
  if (node.rack !== undefined) node.rack.waitingBytes += waitingBytes - node.waitingBytes;
  node.waitingBytes = waitingBytes;
}

/** Moves a node from its former group to the one it is in now, if to any. */
function placeIn(
  state: State,
  side: 'senders' | 'receivers',
  node: Node,
  { before, group }: { readonly before: string | undefined; readonly group: string | undefined },
): void {
  const groups = state.rankings[side];
  if (before !== undefined && before !== group) {
    const left = groups.get(before);
    left?.place(node, undefined);
    if (left?.size === 0) groups.delete(before);
  }
  if (group === undefined) return;
  const ranking = groups.get(group) ?? createRanking<Node>();
  groups.set(group, ranking);
  ranking.place(node, side === 'senders' ? senderKey(state, node) : receiverKey(state, node));
}

/** Who is paired first. */
export function senderKey(state: State, node: Node): Key {
  const part = remainingPart(state, node);
  return [node.deadline, isForTarget(state) ? -part : part, node.order];
}

function rankReceiver(state: State, node: Node): void {
  const group = mayReceive(state, node) ? groupOf(node) : undefined;
  placeIn(state, 'receivers', node, { before: node.receivesIn, group });
  node.receivesIn = group;
}

/** A keeper may receive while the frontend pulls from it; others are better emptied then. */
function mayReceive(state: State, node: Node): boolean {
  if (node.phase !== 'up' || node.draining || node.freeBytes <= 0) return false;
  if (node.targetFaults >= MAX_TARGET_FAULTS || node.avoids.has(FRONTEND)) return false;
  if (sendsToPeer(node) || (node.seated.size === 0 && node.leavingBytes === 0)) return false;
  if (state.keepers === undefined ? sendsToFrontend(node) && !leavesLate(node) : !node.keeps) {
    return false;
  }
  return hasLinkToSpare(state, node);
}

/** Where a slow sender is beside a fast one, others like it may join them: see `freeSpeed`. */
function hasLinkToSpare(state: State, node: Node): boolean {
  const speed = downSpeed(state, node);
  if (speed - node.fillSpeed >= MIN_SPARE * speed) return true;
  const { hasSlow, hasFast } = sourcesOf(state, node);
  return hasSlow && hasFast && node.fillSpeed < (1 + SLOW_SHARE / 2) * speed;
}

/** The first image of its kind takes so long that others can be emptied onto its node meanwhile. */
function leavesLate({ outgoing, leavingBytes }: Node): boolean {
  for (const { to, image } of outgoing) {
    if (to === undefined) return leavingBytes > 2 * ownBytes(image);
  }
  return false;
}

/** Nodes of one rack with images of one kind; an image that nothing is like is of none. */
export function groupOf({ rack, kin }: Node): string {
  const [first] = kin.keys();
  const founder = first?.founder.sharedShare === 0 ? undefined : first?.founder;
  return `${rack?.id ?? ''}\n${founder?.id ?? ''}`;
}

/**
 * Who receives first: a node that can fill the frontend's link later, that has no deadline or a late
 * one, and on which most is left for its weight: it is released late anyway.
 */
function receiverKey(state: State, node: Node): Key {
  return [slowness(state, node), -node.deadline, -lateness(state, node), node.order];
}
