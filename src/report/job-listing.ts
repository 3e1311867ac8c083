/** What `job ls` and `job show` tell of the jobs of a store, as they print it with `--json`. */

/**
 * `deploying` until the commands of all machines have begun, `running` until all have ended,
 * `ending` until outputs, snapshots and nodes are dealt with; `kept`: finished, but for machines
 * that stay until the job is cancelled; `unknown`: its journal cannot be used.
 */
type ListedPhase =
  | 'submitted'
  | 'deploying'
  | 'running'
  | 'ending'
  | 'kept'
  | 'finished'
  | 'unknown';

export interface ListedJob {
  /** Its id: what other commands take. */
  readonly job: string;
  readonly phase: ListedPhase;
  /** Null while it is open. */
  readonly result: 'succeeded' | 'failed' | 'cancelled' | null;
  /** The id of the process on this host that drives it; null if none does. */
  readonly driver: number | null;
  readonly vms: {
    readonly total: number;
    /** Their command was seen to run and has not ended, and they are not paused or suspended. */
    readonly running: number;
    /** Their command has ended with 0. */
    readonly succeeded: number;
    readonly failed: number;
  };
  readonly nodes: readonly string[];
  /** The same, short: `node[01-04]`. */
  readonly nodeSet: string;
  readonly submittedAt: string | null;
  /** Null until it is finished. */
  readonly endedAt: string | null;
  /** As the job file calls it. */
  readonly image: string | null;
  /** Why its journal cannot be used; null if it can. */
  readonly problem: string | null;
}

/** The oldest job first. */
export interface JobListing {
  readonly schema: 'kgetplus.jobs/1';
  readonly store: string;
  readonly jobs: readonly ListedJob[];
}

export interface ShownVm {
  readonly vm: string;
  /** Where it was last seen. */
  readonly node: string;
  readonly state: 'placed' | 'created' | 'running' | 'paused' | 'suspended' | 'ended' | 'removed';
  /** Of its command; null if that did not end by itself, or not yet. */
  readonly exitStatus: number | null;
  /** What kept its command from its end; null if nothing did. */
  readonly failure: { readonly reason: string; readonly detail: string } | null;
  /** When its command began, and its part of the job ended. */
  readonly runningAt: string | null;
  readonly endedAt: string | null;
  /** Of the archive of its outputs. */
  readonly outputBytes: number | null;
  /** Where its outputs are; null until they are here. */
  readonly outputsDirectory: string | null;
  /** For how long each snapshot has paused it, the first one first. */
  readonly pausesMs: readonly number[];
  readonly moves: readonly {
    readonly from: string;
    readonly to: string;
    /** Null if it is not known: the command that moved it broke off. */
    readonly downtimeMs: number | null;
    readonly at: string;
  }[];
}

export interface ShownCut {
  /** The run in the store; null while the snapshots lie on their nodes only. */
  readonly run: string | null;
  readonly kind: 'disk' | 'memory';
  readonly at: string;
  readonly vms: readonly {
    readonly vm: string;
    readonly node: string;
    readonly pausedMs: number;
    /** Whether its guest had flushed its file systems. */
    readonly frozen: boolean;
    readonly copiedBytes: number;
  }[];
}

/** What a job file says, with its defaults. */
interface ShownSpec {
  readonly hypervisor: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly network: string;
  readonly command: string;
  readonly timeLimitMs: number | null;
}

/** A job in all detail. */
export interface ShownJob extends ListedJob {
  readonly schema: 'kgetplus.job/1';
  readonly store: string;
  /** Where its job file and journal are. */
  readonly directory: string;
  readonly imageId: string;
  readonly spec: ShownSpec;
  readonly by: {
    readonly user: string;
    readonly host: string;
    readonly command: readonly string[];
  };
  readonly machines: readonly ShownVm[];
  readonly snapshots: readonly ShownCut[];
  /** What came to each node over the network, and after how long all files were there. */
  readonly deployed: readonly {
    readonly node: string;
    readonly wireBytes: number;
    readonly seconds: number;
  }[];
  readonly released: readonly { readonly node: string; readonly at: string }[];
}
