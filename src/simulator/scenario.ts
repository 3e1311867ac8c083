import type { ReleaseCurve } from '../planner/bound.ts';
import type { Blame, LinkRates, PlannerCommand, PlannerOptions } from '../planner/types.ts';

/** A cluster, what it holds and what will go wrong: all that a simulated run depends on. */
export interface Scenario {
  readonly nodes: readonly SimulatedNode[];
  /** The link from the core of the network into the frontend, into each if there are several. */
  readonly frontendBytesPerSecond: number;
  /** How fast the frontend's disk takes what it receives; unlimited by default. */
  readonly frontendDiskWriteBytesPerSecond?: number;
  /**
   * Hosts that are the frontend together, each with a link and a disk of its own; 1 by default.
   * A pull goes to the one with the fewest. They share one store: what one has, all have.
   */
  readonly frontends?: number;
  /** From a pull's command until its first byte. */
  readonly connectSeconds: number;
  /** From a transfer's last byte until its copy is durable. */
  readonly syncSeconds: number;
  /** Nodes that have not joined by then are not waited for; forever by default. */
  readonly patienceSeconds?: number;
  readonly faults: readonly Fault[];
  /** With the real rate of the frontends, unless another one is promised here. */
  readonly planner: PlannerOptions;
}

/** All rates are above 0; an infinite one limits nobody. */
export interface SimulatedNode {
  readonly id: string;
  /** When its agent is up, from the start of the run. */
  readonly joinSeconds: number;
  /** Its link is full duplex: the two directions do not share. */
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond: number;
  /** At the core of the network by default, as the frontend is. */
  readonly rack?: Rack;
  /** How fast its disk gives what it sends; unlimited by default. */
  readonly diskReadBytesPerSecond?: number;
  /** How fast its disk takes what it receives; unlimited by default. */
  readonly diskWriteBytesPerSecond?: number;
  /** Room for foreign images. */
  readonly roomBytes: number;
  /** What the planner is told of its link; by default the truth, and nothing if it is infinite. */
  readonly promised?: LinkRates;
  /** As the planner is told. */
  readonly weight?: number;
  readonly deadline?: number;
  readonly images: readonly SimulatedImage[];
}

export interface SimulatedImage {
  readonly id: string;
  readonly bytes: number;
  readonly family?: Family;
}

/**
 * What an image has in common with others of its family: its first `sharedBytes`, at most all of
 * it, are those of the longest common part. Two members share the lesser of their parts.
 */
export interface Family {
  readonly id: string;
  readonly sharedBytes: number;
}

/**
 * A rack's uplink to the core, full duplex; what stays in the rack does not cross it. Nodes that
 * have the same object, not one like it, are in the same rack.
 */
export interface Rack {
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond: number;
}

export type Fault =
  /**
   * The `ordinal`-th pull of the run (from 1) fails after this share (0 to 1) of its bytes, or,
   * with share 1, when it would have been durable.
   */
  | {
      readonly kind: 'transfer-fails';
      readonly ordinal: number;
      readonly share: number;
      readonly blame: Blame;
    }
  /** The node is gone, unless it was released before. */
  | { readonly kind: 'node-lost'; readonly atSeconds: number; readonly node: string }
  /** The node's copy turns out bad; a transfer of it that is moving fails. */
  | {
      readonly kind: 'spoiled';
      readonly atSeconds: number;
      readonly node: string;
      readonly image: string;
    }
  /** The planner gets another figure of an image's size; what really moves is as before. */
  | {
      readonly kind: 'sized';
      readonly atSeconds: number;
      readonly image: string;
      readonly bytes: number;
    }
  /** Something on the node cannot be gathered. */
  | { readonly kind: 'stays'; readonly atSeconds: number; readonly node: string }
  | { readonly kind: 'senders-allowed'; readonly atSeconds: number; readonly senders: number };

/** One pull, as it went. Times are seconds since the start of the run. */
export interface TracedTransfer {
  readonly transfer: string;
  readonly image: string;
  readonly from: string;
  readonly to: string;
  /** What crosses: without what the receiver has; 0 until the first byte does. */
  bytes: number;
  readonly startSeconds: number;
  /** When the last byte had arrived or the transfer ended otherwise. */
  endSeconds: number;
  state: 'under-way' | 'durable' | 'failed';
}

/** What came of a scenario. */
export interface Outcome {
  /** In the order of release. */
  readonly released: readonly { readonly node: string; readonly seconds: number }[];
  /** The same as a share of all nodes. */
  readonly curve: ReleaseCurve;
  /** When the last image was durable at the frontend; 0 if none was. */
  readonly makespanSeconds: number;
  /** Share of the makespan in which some byte moved to the frontend. */
  readonly frontendBusyFraction: number;
  readonly safeImages: ReadonlySet<string>;
  readonly transfers: readonly TracedTransfer[];
  readonly commands: readonly PlannerCommand[];
  /** Broken rules in words, with the time; empty if all is well. */
  readonly violations: readonly string[];
}
