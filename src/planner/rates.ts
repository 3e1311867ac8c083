import {
  touch,
  touchAll,
  type Node,
  type Rack,
  type Rate,
  type State,
  type Transfer,
} from './state.ts';

// Speeds are in parts of what the frontend can get at most. Who is not known is taken to be so fast.

/** Of a link that should be full, so much is enough: more is lost to headers and noise. */
export const FULL = 0.9;

/** Measured rates scatter by so much; a node that gives so much of its part is not called slow. */
const NEARLY_FULL = 0.8;

/**
 * A sender that takes less than this of a receiver's link may join others that fill it: together
 * they are held up by as much at most, and slow ones gather on few nodes.
 */
export const SLOW_SHARE = 0.25;

/**
 * Pulls after which the fastest of them tells what the frontend's link gives, promised or not: as
 * many nodes in turn are hardly all slow.
 */
const PULLS_TO_JUDGE = 4;

/** A measured rate of the frontend is corrected when it is off by more than this. */
const CORRECTION = 1.05;

/** How fast `node` sends. */
export function upSpeed(state: State, node: Node): number {
  return toSpeed(state, node.up.bytesPerSecond);
}

/** How fast it sends to the frontend, or to others outside of its rack. */
export function outSpeed(state: State, node: Node): number {
  const speed = upSpeed(state, node);
  const { rack } = node;
  return rack === undefined ? speed : Math.min(speed, toCapacity(state, rack.upBytesPerSecond));
}

/** How fast `node` receives. */
export function downSpeed(state: State, node: Node): number {
  return toSpeed(state, node.down.bytesPerSecond);
}

function toSpeed({ fullBytesPerSecond }: State, bytesPerSecond: number | undefined): number {
  if (bytesPerSecond === undefined || fullBytesPerSecond === undefined) return 1;
  return bytesPerSecond / fullBytesPerSecond;
}

/**
 * Brings the measure of all speeds up to date: what the frontend receives at most, or what the
 * allowed senders can give if they are all as fast as the fastest.
 */
export function updateFullRate(state: State): void {
  const { frontend, fastestBytesPerSecond, senders, fullBytesPerSecond: before } = state;
  const most = fastestBytesPerSecond === 0 ? Infinity : fastestBytesPerSecond * senders;
  const rate = frontend.bytesPerSecond;
  const after = rate === undefined ? undefined : Math.min(rate, most);
  if (after === undefined || after === before) return;
  state.fullBytesPerSecond = after;
  if (before !== undefined) rescale(state, before / after);
  touchAll(state);
}

/** What is under way keeps its rate. */
function rescale(state: State, factor: number): void {
  for (const rack of state.racks.values()) {
    rack.upSpeed *= factor;
    rack.downSpeed *= factor;
  }
  for (const node of state.up) {
    node.fillSpeed *= factor;
    if (node.channel !== undefined) node.channel.speed *= factor;
  }
  for (const transfer of state.active) transfer.rackSpeed *= factor;
}

/** A node's link is known. */
export function noteRate(state: State, bytesPerSecond: number | undefined): void {
  if (bytesPerSecond === undefined || bytesPerSecond <= state.fastestBytesPerSecond) return;
  state.fastestBytesPerSecond = bytesPerSecond;
  updateFullRate(state);
}

/** What one of the allowed senders has to give for the frontend's link to be full. */
export function neededSpeed(state: State): number {
  return 1 / state.senders;
}

/**
 * How far a node is from filling its part of the frontend's link: 0 if it nearly does, else about
 * how often its speed must double.
 */
export function slowness(state: State, node: Node): number {
  const part = outSpeed(state, node) / neededSpeed(state);
  return part >= NEARLY_FULL ? 0 : Math.ceil(-Math.log2(part));
}

/** What is left of a rack's uplink; infinite if nothing is known of it. */
export function rackSpareUp(state: State, rack: Rack | undefined): number {
  return rack === undefined ? Infinity : toCapacity(state, rack.upBytesPerSecond) - rack.upSpeed;
}

/** The same of its other direction. */
export function rackSpareDown(state: State, rack: Rack | undefined): number {
  return rack === undefined
    ? Infinity
    : toCapacity(state, rack.downBytesPerSecond) - rack.downSpeed;
}

function toCapacity({ fullBytesPerSecond }: State, bytesPerSecond: number): number {
  return fullBytesPerSecond === undefined ? Infinity : bytesPerSecond / fullBytesPerSecond;
}

/**
 * Learns from a transfer that took place at `bytesPerSecond`. One that was slower than expected
 * tells of its slower end, and if both ends are unknown of both: the receiver's next transfers
 * will tell more, and the sender is soon released.
 */
export function learn(state: State, transfer: Transfer, bytesPerSecond: number): void {
  const { from, to } = transfer;
  if (to === undefined) learnOfFrontend(state, transfer, bytesPerSecond);
  else if (to.sources.size <= 1) {
    const isNew = !from.up.isMeasured;
    if (isNew || bytesPerSecond > known(from.up)) measure(from.up, bytesPerSecond);
    if (!to.down.isMeasured || bytesPerSecond > known(to.down)) measure(to.down, bytesPerSecond);
    noteRate(state, from.up.bytesPerSecond);
    touch(state, to);
  }
  touch(state, from);
}

function learnOfFrontend(state: State, { from }: Transfer, bytesPerSecond: number): void {
  const { frontend } = state;
  frontend.pulls += 1;
  frontend.fastest = Math.max(frontend.fastest, bytesPerSecond * state.senders);
  const now = frontend.bytesPerSecond ?? 0;
  const isFar = frontend.fastest > now * CORRECTION || frontend.fastest < now / CORRECTION;
  const isJudged = frontend.pulls >= PULLS_TO_JUDGE || frontend.bytesPerSecond === undefined;
  if (isFar && isJudged) {
    measure(frontend, frontend.fastest);
    updateFullRate(state);
  }
  const part = bytesPerSecond * state.senders;
  // The frontend's link was full: the node may have more.
  const isHeldUp = part >= FULL * (frontend.bytesPerSecond ?? 0);
  if (!isHeldUp || bytesPerSecond > known(from.up)) measure(from.up, bytesPerSecond);
  noteRate(state, from.up.bytesPerSecond);
}

function known({ bytesPerSecond }: Rate): number {
  return bytesPerSecond ?? Infinity;
}

function measure(rate: Rate, bytesPerSecond: number): void {
  rate.bytesPerSecond = bytesPerSecond;
  rate.isMeasured = true;
}

/** True if the node is known not to give what one of the senders has to for the frontend's link. */
export function isBelowPart({ frontend, senders }: State, { up }: Node): boolean {
  if (up.bytesPerSecond === undefined || frontend.bytesPerSecond === undefined) return false;
  return up.bytesPerSecond * senders < NEARLY_FULL * frontend.bytesPerSecond;
}

/** Whether any that send to `node` take little of its link, and whether any take much. */
export function sourcesOf(state: State, node: Node): { hasSlow: boolean; hasFast: boolean } {
  const found = { hasSlow: false, hasFast: false };
  const limit = SLOW_SHARE * downSpeed(state, node);
  for (const { channel } of node.sources) {
    if ((channel?.speed ?? 0) <= limit) found.hasSlow = true;
    else found.hasFast = true;
  }
  return found;
}
