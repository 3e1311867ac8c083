import type { Berths, ChosenDrain } from './drains.ts';
import type { Node, Replica } from './state.ts';

/** Images of a node among whose receivers room is sought for each. */
const MAX_SPLIT_IMAGES = 256;

/** All that is on `from` onto one node. */
export function allTo(from: Node, to: Node): Berths {
  return new Map([...from.seated].map((replica) => [replica, to]));
}

/** All of the sender's images, or it would be relayed for nothing. */
export function takesAll(to: Node, from: Node): boolean {
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

/** All that is on `from` onto several of these, each image onto the first that has room for it. */
export function splitOver(receivers: readonly Node[], from: Node): Berths | undefined {
  if (from.seated.size > MAX_SPLIT_IMAGES) return undefined;
  const rooms = new Map(receivers.map((to) => [to, to.freeBytes]));
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
