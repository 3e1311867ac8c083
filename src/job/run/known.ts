import type { Failure } from '../../base/error.ts';
import type { JobOutcome } from '../record/job-record.ts';
import type { PendingCut } from './ports.ts';
import type { Placement } from './want-vm.ts';

/** What is known of a job that is taken up: of a new one, only where its machines are to be. */
export interface KnownJob {
  readonly placements: readonly Placement[];
  readonly ended: ReadonlyMap<string, EndedVm>;
  /** Nodes that nothing of the job is on any more. */
  readonly released: ReadonlySet<string>;
  /** Released nodes that were not given back yet, or nobody knows. */
  readonly owed: ReadonlySet<string>;
  /** Nodes that something of the job may be on, reached or not. */
  readonly touched: ReadonlySet<string>;
  readonly isCancelled: boolean;
  /** It has ended so before, and machines were kept that are to go now; null if it has not. */
  readonly result: 'succeeded' | 'failed' | 'cancelled' | null;
  /** A cut whose files are still on the nodes. */
  readonly cut: PendingCut | null;
  /** All cuts that were taken at its end, by name. */
  readonly cuts: readonly string[];
  /** Machines that are in one of them. */
  readonly saved: ReadonlySet<string>;
  /** Machines that have run: where these are not found, they are lost. */
  readonly started: ReadonlySet<string>;
}

export interface EndedVm {
  readonly outcome: JobOutcome;
  /** Of outputs that are still on its node; null if there are none. */
  readonly outputBytes: number | null;
}

/** Nodes that something of a job stays on that has ended, and why. */
export type LeftBehind = ReadonlyMap<string, Failure>;

/** `interrupted`: it goes on in its machines. `held-up`: something could not be brought to its end. */
export type JobEnd =
  | { readonly state: 'succeeded' | 'failed' | 'cancelled'; readonly kept: boolean }
  | { readonly state: 'interrupted' }
  | { readonly state: 'held-up'; readonly left: LeftBehind };
