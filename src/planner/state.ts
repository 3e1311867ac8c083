import type { PlannerOptions } from './types.ts';

/** A node of the run, as far as the planner is concerned. */
export interface Node {
  readonly id: string;
  /** Rank by time of joining: breaks ties, so that equal events give equal commands. */
  readonly order: number;
  phase: 'up' | 'released' | 'lost';
  listed: boolean;
  /** It is not released: something on it cannot be gathered. */
  stays: boolean;
  /** Room for foreign images that is not reserved; below zero when images turned out larger. */
  freeBytes: number;
  readonly copies: Map<Image, Copy>;
  /** Transfers under way from and to this node, until they are durable. */
  readonly outgoing: Set<Transfer>;
  readonly incoming: Set<Transfer>;
  /** Images whose seat is here (see `seat` of `Image`), and their sum. */
  readonly seated: Set<Image>;
  loadBytes: number;
  /** The peer to which all images of this node move, one after the other. */
  drainsTo: Node | undefined;
  /** The other end of the same bond. */
  fillsFrom: Node | undefined;
  /** The frontend comes back to this node until it is empty. */
  drainsToFrontend: boolean;
  /** Some peer has moved images here: in a `target` run it stays a keeper. */
  hasReceived: boolean;
  /** Receivers that this node could not reach. */
  readonly avoids: Set<string>;
  /** Failed transfers that were blamed on this node as the receiver. */
  targetFaults: number;
}

/** One image, wherever it is. */
export interface Image {
  readonly id: string;
  bytes: number;
  /** Not relayed as long as its node reaches the frontend. */
  readonly direct: boolean;
  state: 'waiting' | 'safe' | 'given-up';
  /** Failed transfers so far. */
  failures: number;
  /** All durable copies on nodes that take part. */
  readonly copies: Set<Copy>;
  /** The copy that counts: its node is not released while the image is not safe. */
  main: Copy | undefined;
  /** The one transfer under way. */
  transfer: Transfer | undefined;
  /**
   * Where the image is, or will be when its transfer is durable; none once it heads for the
   * frontend.
   */
  seat: Node | undefined;
  /** Receivers that were blamed for a failed transfer of this image. */
  readonly refusedBy: Set<string>;
}

/** A durable copy of an image on a node. */
export interface Copy {
  readonly image: Image;
  readonly node: Node;
  /** Relays that made it; 0 for the image's origin. */
  readonly hops: number;
  /** Room that it takes of the node's; 0 for the node's own images. */
  reservedBytes: number;
  faults: number;
}

/** One pull, from its command until the receiver's copy is durable. */
export interface Transfer {
  readonly id: string;
  readonly image: Image;
  readonly from: Node;
  /** Undefined is the frontend. */
  readonly to: Node | undefined;
  /** Relays that the receiver's copy will have. */
  readonly hops: number;
  reservedBytes: number;
  /** `moving` keeps the link busy, `landing` waits to be durable. */
  phase: 'moving' | 'landing' | 'ended';
}

/** All that the planner knows. */
export interface State {
  readonly options: PlannerOptions;
  senders: number;
  expectedNodes: number;
  releasedCount: number;
  lostCount: number;
  readonly nodes: Map<string, Node>;
  /** The nodes that take part now, in order of joining. */
  readonly up: Set<Node>;
  readonly images: Map<string, Image>;
  /** All transfers ever, by id: late news of one that ended must be recognised. */
  readonly transfers: Map<string, Transfer>;
  /** Those under way, and of these the ones that move bytes to the frontend. */
  readonly active: Set<Transfer>;
  readonly frontendPulls: Set<Transfer>;
  /** Images that are neither safe nor given up. */
  waitingCount: number;
  /** Images that lost a copy or a transfer, and may have to be given up. */
  readonly doubtful: Set<Image>;
}

/** A state that knows of nothing yet. */
export function createState(options: PlannerOptions): State {
  return {
    options,
    senders: options.senders,
    expectedNodes: 0,
    releasedCount: 0,
    lostCount: 0,
    nodes: new Map(),
    up: new Set(),
    images: new Map(),
    transfers: new Map(),
    active: new Set(),
    frontendPulls: new Set(),
    waitingCount: 0,
    doubtful: new Set(),
  };
}
