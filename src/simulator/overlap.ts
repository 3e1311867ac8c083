import { FRONTEND } from '../planner/types.ts';
import { createHeap, type Heap, type Placed } from './heap.ts';
import type { Scenario, SimulatedImage } from './scenario.ts';

/** Which parts of images lie where, and so need not move there again. */
export interface Overlap {
  /** What crosses if `image` begins to move to `to`, a node or `FRONTEND`, now. */
  crossingBytes(image: SimulatedImage, to: string): number;
  /** A copy of an image that was not safe is durable. */
  landed(move: Move): void;
  /** The node takes part no longer. */
  left(node: string): void;
}

interface Move {
  readonly image: SimulatedImage;
  readonly from: string;
  readonly to: string;
}

/** A node's own images of families, and by family how much of the common part is in one. */
interface Own {
  readonly images: readonly string[];
  readonly shared: ReadonlyMap<string, number>;
}

/** A relayed image that lies on a node, in the heap of its family there. */
interface Member extends Placed {
  readonly sharedBytes: number;
  readonly heap: Heap<Member>;
}

/** Relayed images on a node, by image and by family, the most of the common part first. */
interface Spool {
  readonly members: Map<string, Member>;
  readonly families: Map<string, Heap<Member>>;
}

/**
 * The overlap of a scenario's images before the first of them has moved. Each node keeps its own
 * images, spoiled or not. It keeps relayed ones until they are safe, or until it has sent them on and
 * as many others as `copies` asks for have them. The frontends keep all in one store.
 */
export function createOverlap({ nodes, planner: { copies } }: Scenario): Overlap {
  const own = new Map<string, Own>();
  const spools = new Map<string, Spool>();
  const stored = new Map<string, number>();
  /** By image of a family, nodes that take part and have it. */
  const holders = new Map<string, Set<string>>();
  for (const { id: node, images } of nodes) {
    const kin = images.filter(({ family }) => family !== undefined);
    if (kin.length > 0) own.set(node, toOwn(kin));
    for (const { id } of kin) holders.set(id, (holders.get(id) ?? new Set()).add(node));
  }

  function presentBytes(family: string, place: string): number {
    if (place === FRONTEND) return stored.get(family) ?? 0;
    const spooled = spools.get(place)?.families.get(family)?.first();
    return Math.max(own.get(place)?.shared.get(family) ?? 0, spooled?.sharedBytes ?? 0);
  }

  function keep(image: SimulatedImage, node: string): void {
    const spool = spools.get(node) ?? { members: new Map(), families: new Map() };
    spools.set(node, spool);
    addMember(spool, image);
    holders.get(image.id)?.add(node);
  }

  /** Leaves a node's own image where it is. */
  function drop(image: string, node: string): void {
    const members = spools.get(node)?.members;
    const member = members?.get(image);
    if (member === undefined) return;
    member.heap.remove(member);
    members?.delete(image);
    holders.get(image)?.delete(node);
  }

  return {
    crossingBytes({ bytes, family }, to): number {
      if (family === undefined) return bytes;
      return bytes - Math.min(family.sharedBytes, presentBytes(family.id, to));
    },
    landed({ image, from, to }): void {
      if (image.family === undefined) return;
      if (to === FRONTEND) {
        noteShared(stored, image);
        for (const node of holders.get(image.id) ?? []) drop(image.id, node);
        return;
      }
      keep(image, to);
      const others = (holders.get(image.id)?.size ?? 0) - 1;
      if (others >= copies) drop(image.id, from);
    },
    left(node): void {
      const { images = [] } = own.get(node) ?? {};
      for (const image of images) holders.get(image)?.delete(node);
      for (const image of spools.get(node)?.members.keys() ?? []) holders.get(image)?.delete(node);
      spools.delete(node);
    },
  };
}

function addMember({ members, families }: Spool, { id, family }: SimulatedImage): void {
  if (family === undefined || members.has(id)) return;
  const heap =
    families.get(family.id) ??
    createHeap<Member>((left, right) => left.sharedBytes > right.sharedBytes);
  const member = { sharedBytes: family.sharedBytes, heap, place: -1 };
  members.set(id, member);
  families.set(family.id, heap);
  heap.add(member);
}

function toOwn(images: readonly SimulatedImage[]): Own {
  const shared = new Map<string, number>();
  for (const image of images) noteShared(shared, image);
  return { images: images.map(({ id }) => id), shared };
}

function noteShared(most: Map<string, number>, { family }: SimulatedImage): void {
  if (family === undefined) return;
  most.set(family.id, Math.max(most.get(family.id) ?? 0, family.sharedBytes));
}
