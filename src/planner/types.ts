import type { Sketch } from '../base/sketch.ts';

/** What the planner is told and what it answers. Ids of nodes, images and racks are opaque. */

export type Objective =
  /** Release nodes so that the mean release time is least. */
  | { readonly kind: 'mean' }
  /** Release this fraction (0 to 1) of all nodes as early as possible, then continue as `mean`. */
  | { readonly kind: 'target'; readonly fraction: number };

export interface PlannerOptions {
  readonly objective: Objective;
  /** Nodes that may send to the frontend at once, at the start; see `senders-allowed`. */
  readonly senders: number;
  /** Relays (copies onto nodes other than the frontend) that one image may make. */
  readonly maxHops: number;
  /** Failed tries for one image (over all senders and receivers) after which it is given up. */
  readonly maxAttempts: number;
  /** A node is released when so many others, or the frontend, have each of its images. */
  readonly copies: number;
  /** The frontend's link, as far as is known. */
  readonly frontendBytesPerSecond?: number;
}

/** The link or the disk of a node, whichever is slower, in each direction; above 0. */
export interface LinkRates {
  readonly upBytesPerSecond: number;
  readonly downBytesPerSecond: number;
}

/** Events in. Every event refers to things that earlier events introduced. */
export type PlannerEvent =
  /** The run has this many nodes in all, joined or not: the target fraction counts against it. */
  | { readonly type: 'expected'; readonly nodes: number }
  /** What a rack's uplink carries, told before its nodes join; one that is not told is unlimited. */
  | ({ readonly type: 'rack'; readonly rack: string } & LinkRates)
  /**
   * A node is up (also again, after it was lost or released) and can receive up to `roomBytes` of
   * foreign images.
   */
  | {
      readonly type: 'joined';
      readonly node: string;
      readonly roomBytes: number;
      /** As promised; without, it is taken to be like the frontend's. */
      readonly link?: LinkRates;
      readonly rack?: string;
      /** Nodes with one go first, the least first; only its order counts. */
      readonly deadline?: number;
      /** A node counts so many times in the mean: 1 by default, above 0. */
      readonly weight?: number;
    }
  /** Nobody else is worth waiting for: all nodes have joined or failed, or took too long. */
  | { readonly type: 'assembled' }
  /** `node` holds a good copy of `image`; `bytes` is what moving it costs, as far as is known. */
  | {
      readonly type: 'held';
      readonly node: string;
      readonly image: string;
      readonly bytes: number;
      /** The frontend has an earlier version: a relay would carry more than the way to it does. */
      readonly direct?: boolean;
    }
  /** What is in `image`: images with chunks in common are kept together. */
  | { readonly type: 'sketched'; readonly image: string; readonly sketch: Sketch }
  /** A better figure of what moving `image` costs. */
  | { readonly type: 'sized'; readonly image: string; readonly bytes: number }
  /** All images of `node` have been named: from now on it may be released. */
  | { readonly type: 'listed'; readonly node: string }
  /** Something on `node` cannot be gathered: whatever becomes of its images, it is not released. */
  | { readonly type: 'stays'; readonly node: string }
  /** Every byte of the transfer has crossed the link, which is free again. */
  | {
      readonly type: 'arrived';
      readonly transfer: string;
      /** The rate that the network and the disks gave it, if that was what held it up. */
      readonly bytesPerSecond?: number;
    }
  /**
   * The transfer's copy is verified and durable at the receiver. Accepted late as well: a copy
   * whose transfer counted as failed is a good copy, and ends a `give-up` for want of one.
   */
  | { readonly type: 'durable'; readonly transfer: string }
  /**
   * The transfer ended without a copy. The answer may be to try the same again at once: whoever
   * wants to wait between tries tells of the failure later.
   */
  | { readonly type: 'failed'; readonly transfer: string; readonly blame: Blame }
  /**
   * The copy of `image` at `node` is no good (unreadable, changed); a transfer of it that is under
   * way still ends with `durable` or `failed`. A node whose bad original was the only copy stays.
   */
  | { readonly type: 'spoiled'; readonly node: string; readonly image: string }
  /**
   * The node is gone with all that it held. Its transfers count as failed, but for those from it
   * that have arrived: they still end with `durable` or `failed`. It may join again, without its
   * images.
   */
  | { readonly type: 'lost'; readonly node: string }
  /** The number of nodes that may send to the frontend at once has changed. */
  | { readonly type: 'senders-allowed'; readonly senders: number };

export type Blame = 'source' | 'target' | 'link';

/** Commands out, to be executed in order. */
export type PlannerCommand =
  | {
      readonly type: 'pull';
      readonly transfer: string;
      readonly image: string;
      readonly from: string;
      /** A node, or `FRONTEND`. */
      readonly to: string;
    }
  /** The run needs nothing from `node` any more. */
  | { readonly type: 'release'; readonly node: string }
  /** No good copy of `image` is left on any node that takes part, or its tries are used up. */
  | { readonly type: 'give-up'; readonly image: string; readonly reason: 'no-copy' | 'attempts' };

/** The frontend as the receiver of a pull. */
export const FRONTEND = '(frontend)';

/** The planner: a state and its transition, no I/O, no clock, no randomness. */
export interface Planner {
  /** Applies one event and returns what is to be done now. */
  handle(event: PlannerEvent): readonly PlannerCommand[];
  /**
   * True when nothing is under way and nothing more can be done with the nodes that have joined:
   * every image that was named is safe or given up, and all nodes have named theirs.
   */
  idle(): boolean;
}
