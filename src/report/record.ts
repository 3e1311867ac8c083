import type { Failure } from '../base/error.ts';

/**
 * The record of a run: schema `kgetplus.report/1`, see docs/report.md. Times are seconds since the
 * start of the command; sizes are bytes.
 */
export interface RunReport {
  readonly schema: 'kgetplus.report/1';
  readonly run: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Length of the whole command. */
  readonly seconds: number;
  readonly frontend: FrontendReport;
  readonly nodes: readonly NodeReport[];
  readonly images: readonly ImageReport[];
  readonly transfers: readonly TransferReport[];
  readonly summary: SummaryReport;
  readonly failures: readonly FailureReport[];
}

export interface FrontendReport {
  readonly bytesReceived: number;
  /** Share of the time from the first to the last byte in which a transfer to the frontend ran. */
  readonly busyFraction: number;
  /** Most nodes that ever sent to the frontend at once. */
  readonly maxSenders: number;
  readonly sendersAllowed: number;
}

export interface NodeReport {
  readonly node: string;
  readonly state: 'released' | 'held' | 'failed';
  /** When the node's agent was up and had named its images; null if it never was. */
  readonly readySeconds: number | null;
  readonly releasedSeconds: number | null;
}

export interface ImageReport {
  readonly node: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** Bytes of chunks that are not all zero; null while not known. */
  readonly dataBytes: number | null;
  readonly state: 'safe' | 'missing';
  /** Nodes that held the image in turn, the origin first; `frontend` last if it is safe. */
  readonly route: readonly string[];
}

export interface TransferReport {
  /** `NODE:PATH` of the image. */
  readonly image: string;
  readonly from: string;
  /** A node's name, or `frontend`. */
  readonly to: string;
  readonly startSeconds: number;
  /** When the last byte had arrived, or the transfer failed. */
  readonly endSeconds: number;
  readonly wireBytes: number;
  readonly chunks: number;
  readonly state: 'done' | 'failed';
}

/** Release times of one strategy. */
export interface ReleaseTimes {
  readonly t50Seconds: number | null;
  readonly t80Seconds: number | null;
  readonly t100Seconds: number | null;
  readonly meanReleaseSeconds: number | null;
}

export interface SummaryReport extends ReleaseTimes {
  readonly images: number;
  readonly safe: number;
  readonly logicalBytes: number;
  readonly dataBytes: number;
  readonly frontendWireBytes: number;
  readonly peerWireBytes: number;
  /** Computed for this run's nodes, sizes and measured link rate: see docs/report.md. */
  readonly bound: ReleaseTimes;
  readonly serial: ReleaseTimes;
  readonly allAtOnce: ReleaseTimes;
}

export interface FailureReport extends Failure {
  readonly node: string | null;
  readonly path: string | null;
}

/** One release curve: the share of nodes (0 to 1) released at each moment, ascending in both. */
export interface ReleaseCurve {
  readonly name: string;
  readonly points: readonly { readonly seconds: number; readonly share: number }[];
}
