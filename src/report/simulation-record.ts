import type { ReleaseCurve, ReleaseTimes } from './record.ts';

/**
 * The record of a simulation: schema `kgetplus.simulation/1`. Times are seconds since the start of
 * the simulated command, sizes bytes; null stands for what does not limit, or never happens.
 */
export interface SimulationReport {
  readonly schema: 'kgetplus.simulation/1';
  /** The command line that gives this record. */
  readonly command: string;
  readonly inputs: SimulationInputs;
  readonly bound: BoundRecord;
  /** Those of Kget+ first. */
  readonly strategies: readonly StrategyRecord[];
  /** Names of those that would take too long to compute. */
  readonly leftOut: readonly string[];
}

export interface SimulationInputs {
  readonly nodes: number;
  readonly medianBytes: number;
  /** Of log-normal sizes; 0 for equal ones. */
  readonly sigma: number;
  readonly seed: number;
  readonly linkBytesPerSecond: number;
  /** Of each frontend. */
  readonly frontendLinkBytesPerSecond: number;
  readonly frontends: number;
  readonly racks: {
    readonly count: number;
    readonly nodesEach: number;
    readonly oversubscription: number;
  } | null;
  readonly diskReadBytesPerSecond: number | null;
  readonly diskWriteBytesPerSecond: number | null;
  readonly zeroShare: number;
  readonly duplicateShare: number;
  /** Groups of images that have that share in common. */
  readonly families: number;
  readonly room:
    | { readonly kind: 'bytes'; readonly bytes: number }
    | { readonly kind: 'images'; readonly images: number }
    | null;
  readonly startSeconds: number;
  readonly senders: number;
  readonly maxHops: number;
  /** Other nodes that must have an image before its node is released, with Kget+. */
  readonly copies: number;
}

export interface SimulatedTimes extends ReleaseTimes {
  /** When the last image was on the frontend. */
  readonly makespanSeconds: number | null;
}

export interface BoundRecord {
  readonly times: SimulatedTimes;
  readonly curve: ReleaseCurve['points'];
}

export interface StrategyRecord extends BoundRecord {
  readonly name: string;
  /** What it does, in one sentence without a full stop. */
  readonly about: string;
  readonly isOurs: boolean;
  /** What its times and curve count: released nodes, or nodes whose images have arrived. */
  readonly counts: 'releases' | 'arrivals';
  /** Whole images, or only what the frontend needs of them. */
  readonly moved: 'whole' | 'needed';
  readonly timesBound: TimesBound;
}

/** Multiples of the bound's times; null where one of both is unknown. */
export interface TimesBound {
  readonly t50: number | null;
  readonly t80: number | null;
  readonly t100: number | null;
  readonly meanRelease: number | null;
  readonly makespan: number | null;
}
