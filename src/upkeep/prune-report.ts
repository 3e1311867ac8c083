import type { LeaseRecord } from '../store/lease.ts';

/** How many chunks, and the bytes of their files. */
export interface ChunkTotals {
  readonly chunks: number;
  readonly bytes: number;
}

/** A snapshot that was judged, and why it stays. */
export interface JudgedSnapshot {
  readonly id: string;
  readonly takenAt: string;
  readonly isForgotten: boolean;
  readonly reasons: readonly string[];
}

/** Chunks that were set aside and cannot go yet. */
export interface WaitingBatch extends ChunkTotals {
  readonly batch: string;
  /** ISO 8601: when the grace period is over; null if it has not begun. */
  readonly until: string | null;
  /** Processes that may still read them. */
  readonly leases: readonly Pick<LeaseRecord, 'name' | 'kind' | 'host' | 'pid'>[];
}

/** What a prune did, or would do. */
export interface PruneReport {
  readonly isDry: boolean;
  /** Whether there was a policy; without one nothing is forgotten. */
  readonly hasPolicy: boolean;
  readonly snapshots: readonly JudgedSnapshot[];
  /** In the store, needed by snapshots that stay. */
  readonly kept: ChunkTotals;
  readonly setAside: ChunkTotals;
  /** Needed by no snapshot, but newer than a process that writes: it may be about to need them. */
  readonly spared: ChunkTotals;
  /** Removed for good. */
  readonly swept: ChunkTotals;
  /** Had been set aside, and are needed after all. */
  readonly broughtBack: ChunkTotals;
  readonly waiting: readonly WaitingBatch[];
  /** What is not as it should be; a line each. */
  readonly warnings: readonly string[];
}
