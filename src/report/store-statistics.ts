/** What `stats` tells of a store, as it prints it with `--json`. */

/**
 * Where the logical bytes of images go; the four add up to `logicalBytes`. Null is what cannot be
 * told for want of a table of chunks.
 */
export interface StoreShares {
  readonly snapshots: number;
  readonly logicalBytes: number;
  readonly zeroBytes: number;
  /** Of chunks that are missing. */
  readonly missingBytes: number;
  /** That the store had before: of earlier runs and images. */
  readonly duplicateBytes: number | null;
  /** That came with them, plain, and in files. */
  readonly newBytes: number | null;
  readonly storedBytes: number | null;
}

export interface StoreRun extends StoreShares {
  readonly run: string;
  readonly startedAt: string;
}

export interface StoreNode {
  readonly node: string;
  readonly snapshots: number;
  readonly logicalBytes: number;
  readonly dataBytes: number;
  /** Bytes of files that only this node's snapshots use. */
  readonly uniqueBytes: number | null;
}

export interface StoreFiles {
  readonly chunks: number;
  readonly bytes: number;
}

export interface StoreStatistics {
  readonly schema: 'kgetplus.stats/1';
  readonly store: string;
  readonly totals: StoreShares;
  /** The oldest first. */
  readonly runs: readonly StoreRun[];
  readonly nodes: readonly StoreNode[];
  /** Files of chunks that snapshots use, that none does, and that `prune` has set aside. */
  readonly used: StoreFiles | null;
  readonly unused: StoreFiles | null;
  readonly setAside: StoreFiles;
  readonly missingChunks: number;
  readonly unreadable: readonly { readonly snapshot: string; readonly problem: string }[];
}
