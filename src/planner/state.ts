import type { Sketch } from '../base/sketch.ts';
import { createRanking, type Ranking } from './ranking.ts';
import type { PlannerOptions } from './types.ts';

/** A node of the run, as far as the planner is concerned. */
export interface Node {
  readonly id: string;
  /** Rank by time of joining: breaks ties, so that equal events give equal commands. */
  readonly order: number;
  readonly rack: Rack | undefined;
  /** How often it counts in the mean. */
  readonly weight: number;
  /** Infinite without one. */
  readonly deadline: number;
  phase: 'up' | 'released' | 'lost';
  listed: boolean;
  /** It is not released: something on it cannot be gathered. */
  stays: boolean;
  /** Its link as promised or, once something was seen of it, as measured; undefined if unknown. */
  readonly up: Rate;
  readonly down: Rate;
  /** Room for foreign images that is not reserved; below zero when images turned out larger. */
  freeBytes: number;
  readonly copies: Map<Image, Copy>;
  /** Copies by what they are like. */
  readonly kin: Map<Kin, number>;
  /** Replicas whose main copy is here. */
  mainCount: number;
  /** Transfers under way from and to this node, until they are durable. */
  readonly outgoing: Set<Transfer>;
  readonly incoming: Set<Transfer>;
  /** Replicas whose seat is here, and what moving them costs. */
  readonly seated: Set<Replica>;
  loadBytes: number;
  /** What moves to the frontend now: a whole image, if it is the first of its kind. */
  leavingBytes: number;
  /** How many of them may not be relayed. */
  unrelayable: number;
  /** All that is seated here moves on to peers, which have berths for it. */
  draining: boolean;
  /** Where the next or present image of a drain goes, and the part of links that it takes. */
  channel: Channel | undefined;
  /** The other ends of channels to this node, and their sum. */
  readonly sources: Set<Node>;
  fillSpeed: number;
  /** Replicas that have a berth here. */
  readonly awaited: Set<Replica>;
  awaitedBytes: number;
  /** Chosen to receive while others are released: see keepers.ts. */
  keeps: boolean;
  /** What it adds to its rack's `waitingBytes`. */
  waitingBytes: number;
  /** Its groups among the senders and the receivers. */
  sendsIn: string | undefined;
  receivesIn: string | undefined;
  /** Receivers that this node could not reach. */
  readonly avoids: Set<string>;
  /** Failed transfers that were blamed on this node as the receiver. */
  targetFaults: number;
}

/** One direction of a link. */
export interface Rate {
  bytesPerSecond: number | undefined;
  /** A transfer has shown it. */
  isMeasured: boolean;
}

/** Where a drain sends, and how fast. */
interface Channel {
  readonly to: Node;
  speed: number;
}

/** Nodes behind one uplink. What is used of it is in the measure of rates.ts. */
export interface Rack {
  readonly id: string;
  upBytesPerSecond: number;
  downBytesPerSecond: number;
  upSpeed: number;
  downSpeed: number;
  /** Nodes in it that have named their images. */
  listed: number;
  /** Keepers in it, and the bytes on nodes that wait to send to them. */
  keepers: number;
  waitingBytes: number;
  /** Pulls of the frontend that are counted in `upSpeed`. */
  frontendPulls: number;
}

/** One image, wherever it is. */
export interface Image {
  readonly id: string;
  bytes: number;
  /** What it is like, and the share of it that others of the kind have as well. */
  kin: Kin | undefined;
  sharedShare: number;
  /** Not relayed as long as its node reaches the frontend. */
  readonly direct: boolean;
  state: 'waiting' | 'safe' | 'given-up';
  /** Failed transfers so far. */
  failures: number;
  /** All durable copies on nodes that take part. */
  readonly copies: Set<Copy>;
  /** As many as nodes must have the image before its node is released. */
  readonly replicas: readonly Replica[];
  /** The transfer to the frontend that is under way. */
  frontendPull: Transfer | undefined;
  /** Receivers that were blamed for a failed transfer of this image. */
  readonly refusedBy: Set<string>;
}

/**
 * One of the copies of an image that have to be somewhere until the frontend has it. At first all
 * are on the image's origin, later each on another node. A node is released when none is on it.
 */
export interface Replica {
  readonly image: Image;
  /** The copy that counts for it. */
  main: Copy | undefined;
  /** The one transfer under way, if it is this replica that moves. */
  transfer: Transfer | undefined;
  /** Where it is, or will be when its transfer is durable; none once it heads for the frontend. */
  seat: Node | undefined;
  /** As of when it took its seat. */
  seatBytes: number;
  isRelayable: boolean;
  /** Its place in the drain of its seat: the receiver has reserved room for it. */
  berth: Berth | undefined;
}

interface Berth {
  readonly to: Node;
  reservedBytes: number;
  costBytes: number;
}

/** Images that have chunks in common. */
export interface Kin {
  /** What the others are compared with. */
  readonly founder: Image;
  readonly sketch: Sketch;
  /** Nodes that take part and have one of them. */
  holders: number;
  /** All bytes of one of them have come to the frontend; of so many they come now. */
  isThere: boolean;
  coming: number;
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
  readonly replica: Replica;
  /** As it was known when the pull began. */
  readonly kin: Kin | undefined;
  readonly from: Node;
  /** Undefined is the frontend. */
  readonly to: Node | undefined;
  /** Relays that the receiver's copy will have. */
  readonly hops: number;
  reservedBytes: number;
  /** What it takes of the uplink of a rack on its way to the frontend. */
  rackSpeed: number;
  /** `moving` keeps the link busy, `landing` waits to be durable. */
  phase: 'moving' | 'landing' | 'ended';
}

/** All that the planner knows. */
export interface State {
  readonly options: PlannerOptions;
  senders: number;
  expectedNodes: number;
  /** Nobody is waited for: see planner.ts. */
  assembled: boolean;
  releasedCount: number;
  lostCount: number;
  readonly nodes: Map<string, Node>;
  /** The nodes that take part now, in order of joining. */
  readonly up: Set<Node>;
  /** How many of them have not named all images, and how many stay. */
  unlistedCount: number;
  stayingCount: number;
  /** Those of them that could not reach the frontend. */
  readonly cutOff: Set<Node>;
  readonly racks: Map<string, Rack>;
  readonly images: Map<string, Image>;
  readonly kin: Kin[];
  /** All transfers ever, by id: late news of one that ended must be recognised. */
  readonly transfers: Map<string, Transfer>;
  /** Those under way, and of these the ones that move bytes to the frontend. */
  readonly active: Set<Transfer>;
  readonly frontendPulls: Set<Transfer>;
  /** What the frontend receives at most, as promised or as measured; undefined if unknown. */
  readonly frontend: Rate & { pulls: number; fastest: number };
  /** The fastest sender that is known, and the measure of speeds: see rates.ts. */
  fastestBytesPerSecond: number;
  fullBytesPerSecond: number | undefined;
  /** Images that are neither safe nor given up. */
  waitingCount: number;
  /** What all that has a seat costs to move. */
  seatedBytes: number;
  /** Images that lost a copy or whose transfer ended, and may have to be given up. */
  readonly doubtful: Set<Image>;
  /** Nodes that keep others' images in turn; undefined: whoever is the most loaded receives. */
  keepers: Set<Node> | undefined;
  /** What keepers depend on has changed. */
  keepersStale: boolean;
  /** Some node has a deadline: the others wait for such nodes. */
  hasDeadlines: boolean;
  /** Of the nodes that are listed, to send all alone: if they are alike keepers need not wait. */
  shortestSeconds: number;
  longestSeconds: number;
  /** Nodes whose places in the rankings may have changed, and those touched by this event. */
  readonly stale: Set<Node>;
  readonly touched: Set<Node>;
  readonly rankings: Rankings;
}

/** Nodes in the order in which they come into question. See standing.ts. */
interface Rankings {
  readonly forFrontend: Ranking<Node>;
  /** The most loaded of them first; kept while several nodes are needed to fill the link. */
  readonly heaviest: Ranking<Node>;
  /** By rack and kin, see `groupOf`: where one group has to wait another may go on. */
  readonly senders: Map<string, Ranking<Node>>;
  readonly receivers: Map<string, Ranking<Node>>;
}

/** A state that knows of nothing yet. */
export function createState(options: PlannerOptions): State {
  return {
    options,
    senders: options.senders,
    expectedNodes: 0,
    assembled: false,
    releasedCount: 0,
    lostCount: 0,
    nodes: new Map(),
    up: new Set(),
    unlistedCount: 0,
    stayingCount: 0,
    cutOff: new Set(),
    racks: new Map(),
    images: new Map(),
    kin: [],
    transfers: new Map(),
    active: new Set(),
    frontendPulls: new Set(),
    frontend: {
      bytesPerSecond: options.frontendBytesPerSecond,
      isMeasured: false,
      pulls: 0,
      fastest: 0,
    },
    fastestBytesPerSecond: 0,
    fullBytesPerSecond: options.frontendBytesPerSecond,
    waitingCount: 0,
    seatedBytes: 0,
    doubtful: new Set(),
    keepers: undefined,
    keepersStale: true,
    hasDeadlines: false,
    shortestSeconds: Infinity,
    longestSeconds: 0,
    stale: new Set(),
    touched: new Set(),
    rankings: {
      forFrontend: createRanking(),
      heaviest: createRanking(),
      senders: new Map(),
      receivers: new Map(),
    },
  };
}

/** Something about the node has changed. */
export function touch(state: State, node: Node): void {
  state.stale.add(node);
  state.touched.add(node);
}

/** Something about all nodes has changed. */
export function touchAll(state: State): void {
  for (const node of state.up) touch(state, node);
}
