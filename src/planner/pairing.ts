import { allTo, splitOver, takesAll } from './berths.ts';
import { freeSpeed } from './channel-speed.ts';
import type { Berths, ChosenDrain } from './drains.ts';
import { maySendTo } from './fitness.ts';
import { bytesOnto } from './kin.ts';
import { slowness } from './rates.ts';
import { compareKeys, type Key } from './ranking.ts';
import { isForTarget, lateness, senderKey } from './standing.ts';
import type { Node, Rack, State } from './state.ts';

/** Senders and receivers of a group that are looked at before the next event. */
const MAX_SENDERS = 8;
const MAX_RECEIVERS = 8;

/** Receivers of a group among which room is sought for what is on one node. */
const MAX_SPLIT_NODES = 32;

/** A rack without keepers has more to send out than one with a single one. */
const NO_KEEPER = 0.5;

/** A relay that takes longer than on the best receiver by less than this is as good. */
const ALIKE = 1.1;

interface Offer {
  readonly to: Node;
  readonly slowness: number;
  readonly cost: number;
  readonly isInRack: boolean;
  readonly lateness: number;
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
    const berths = to === undefined ? splitUp(state, from) : allTo(from, to);
    if (berths !== undefined) return { from, berths };
  }
  return undefined;
}

/**
 * The first of each group, in order; for a target those of the rack first that has most to send for
 * each of its keepers, so that it gets at others' keepers in time.
 */
function foremostSenders(state: State): Node[] {
  const foremost: { readonly node: Node; readonly key: Key }[] = [];
  for (const ranking of state.rankings.senders.values()) {
    let count = 0;
    for (const node of ranking.items()) {
      if (count === MAX_SENDERS) break;
      count += 1;
      const backlog = isForTarget(state) ? backlogOf(node.rack) : 0;
      foremost.push({ node, key: [-backlog, ...senderKey(state, node)] });
    }
  }
  foremost.sort((one, other) => compareKeys(one.key, other.key));
  return foremost.map(({ node }) => node);
}

function backlogOf(rack: Rack | undefined): number {
  return rack === undefined ? 0 : rack.waitingBytes / Math.max(rack.keepers, NO_KEEPER);
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
  return {
    to,
    slowness: slowness(state, to),
    cost: bytesOnto(to, from.seated) / speed,
    isInRack: from.rack === to.rack,
    lateness: lateness(state, to),
  };
}

function isBetter(offer: Offer, best: Offer): boolean {
  if (offer.slowness !== best.slowness) return offer.slowness < best.slowness;
  if (offer.cost * ALIKE < best.cost) return true;
  if (best.cost * ALIKE < offer.cost) return false;
  if (offer.isInRack !== best.isInRack) return offer.isInRack;
  return offer.lateness > best.lateness;
}

/** All that is on `from` onto several nodes, where no one has room for it. */
function splitUp(state: State, from: Node): Berths | undefined {
  if (from.seated.size < 2) return undefined;
  const found: Node[] = [];
  for (const ranking of state.rankings.receivers.values()) {
    let seen = 0;
    for (const to of ranking.items()) {
      if (seen === MAX_SPLIT_NODES) break;
      seen += 1;
      if (maySendTo(state, from, to) && freeSpeed(state, from, to) !== undefined) found.push(to);
    }
  }
  return splitOver(found, from);
}
