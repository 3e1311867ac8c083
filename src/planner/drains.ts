import { assert } from '../base/assert.ts';
import { ownBytes } from './kin.ts';
import { touch, type Node, type Replica, type State } from './state.ts';

/** Where each replica on a node is to go. */
export type Berths = ReadonlyMap<Replica, Node>;

/** All that is on `from` is to move to these. */
export interface ChosenDrain {
  readonly from: Node;
  readonly berths: Berths;
}

/** From now on all that is on `from` moves to peers, which keep room for it. */
export function beginDrain(state: State, from: Node, berths: Berths): void {
  assert(!from.draining, `${from.id} begins to drain once`);
  from.draining = true;
  for (const [replica, to] of berths) {
    const { image } = replica;
    replica.berth = { to, reservedBytes: image.bytes, costBytes: ownBytes(image) };
    to.freeBytes -= image.bytes;
    to.awaitedBytes += replica.berth.costBytes;
    to.awaited.add(replica);
    touch(state, to);
  }
  touch(state, from);
}

/** Ends the drain of `from`, if there is one; what moves goes on moving. */
export function endDrain(state: State, from: Node): void {
  if (!from.draining) return;
  from.draining = false;
  closeChannel(state, from);
  for (const replica of from.seated) giveUpBerth(state, replica);
  touch(state, from);
}

/** The replica moves into its berth, or elsewhere. */
export function giveUpBerth(state: State, replica: Replica): void {
  const { berth } = replica;
  if (berth === undefined) return;
  replica.berth = undefined;
  const { to } = berth;
  to.freeBytes += berth.reservedBytes;
  to.awaited.delete(replica);
  to.awaitedBytes = to.awaited.size === 0 ? 0 : to.awaitedBytes - berth.costBytes;
  touch(state, to);
}

/** `from` sends to `to`, and takes so much of all links between them. */
export function openChannel(
  state: State,
  from: Node,
  { to, speed }: { readonly to: Node; readonly speed: number },
): void {
  if (from.channel?.to === to) return;
  closeChannel(state, from);
  from.channel = { to, speed };
  to.sources.add(from);
  to.fillSpeed += speed;
  if (from.rack !== to.rack) {
    if (from.rack !== undefined) from.rack.upSpeed += speed;
    if (to.rack !== undefined) to.rack.downSpeed += speed;
  }
  touch(state, to);
  touch(state, from);
}

/** `from` sends to no peer any more. */
export function closeChannel(state: State, from: Node): void {
  const { channel } = from;
  if (channel === undefined) return;
  const { to, speed } = channel;
  from.channel = undefined;
  to.sources.delete(from);
  // What rounding left of a sum must not outlive its terms.
  to.fillSpeed = to.sources.size === 0 ? 0 : to.fillSpeed - speed;
  if (from.rack !== to.rack) {
    if (from.rack !== undefined) from.rack.upSpeed -= speed;
    if (to.rack !== undefined) to.rack.downSpeed -= speed;
  }
  touch(state, to);
  touch(state, from);
  // Who waits to send here looks again.
  for (const { seat } of to.awaited) if (seat !== undefined) touch(state, seat);
}
