import type { FailureReport } from './record.ts';
import type { BoundRecord, StrategyRecord } from './simulation-record.ts';

/**
 * The record of a forecast: schema `kgetplus.plan/1`. Times are seconds since the start of the
 * command that is foreseen, sizes bytes.
 */
export interface PlanReport {
  readonly schema: 'kgetplus.plan/1';
  /** The command line that gave this record. */
  readonly command: string;
  readonly inputs: PlanInputs;
  readonly bound: PlannedBound;
  /** Kget+ first, then what it is compared with; none when no image was found. */
  readonly strategies: readonly PlannedStrategy[];
  /** Those that answered and have images; the others are left out of the forecast. */
  readonly nodes: readonly PlannedNode[];
  readonly missingNodes: readonly string[];
  readonly images: readonly PlannedImage[];
  /** Those of Kget+, in the order of their starts. */
  readonly transfers: readonly PlannedTransfer[];
  /** Why nodes and images are left out. */
  readonly failures: readonly FailureReport[];
}

interface PlanInputs {
  /** As `--objective` takes it. */
  readonly objective: string;
  /** Nodes that send to the frontend at once in the forecast. */
  readonly senders: number;
  readonly maxHops: number;
  readonly copies: number;
  readonly frontendLink: PlannedLink;
  /** Racks that the nodes are in. */
  readonly racks: number;
  /** Nodes that are to be released first, and nodes that keep no others' images. */
  readonly nodesFirst: number;
  readonly nodesKeepingNone: number;
}

/** A link, the same in each direction, and how its rate is known. */
export interface PlannedLink {
  readonly bytesPerSecond: number;
  /** An option said so, the host itself told it, or nobody did. */
  readonly source: 'option' | 'told' | 'assumed';
}

export interface PlannedBound extends BoundRecord {
  /** What has to cross the frontend's link. */
  readonly frontendBytes: number;
}

export interface PlannedStrategy extends StrategyRecord {
  /** What crosses the frontend's link. */
  readonly frontendBytes: number;
  /** What crosses links between nodes only. */
  readonly peerBytes: number;
}

export interface PlannedNode {
  readonly node: string;
  /** When its agent had named its images. */
  readonly readySeconds: number;
  /** Null if it would not be released: something on it cannot be gathered. */
  readonly releasedSeconds: number | null;
  readonly link: PlannedLink;
  /** For images of others. */
  readonly roomBytes: number;
  readonly images: number;
  readonly sizeBytes: number;
  readonly dataBytes: number;
}

export interface PlannedImage {
  readonly node: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** Bytes of chunks that are not all zero. */
  readonly dataBytes: number;
  /** `NODE:PATH` of the first image of its family, whose chunks it shares; null if it has none. */
  readonly family: string | null;
  /** Estimated part of its data that a place with an image of its family has. */
  readonly sharedBytes: number;
}

export interface PlannedTransfer {
  /** `NODE:PATH`. */
  readonly image: string;
  readonly from: string;
  /** A node's name, or `frontend`. */
  readonly to: string;
  /** What moves of it: not what its receiver has already. */
  readonly bytes: number;
  readonly startSeconds: number;
  readonly endSeconds: number;
}
