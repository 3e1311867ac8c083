/** A fault in what describes snapshots. */
export interface Fault {
  /** `RUN`, or `RUN/NODE/NAME`. */
  readonly subject: string;
  readonly message: string;
}

/** A chunk that cannot be read as it should be. */
export interface BadChunk {
  readonly digest: string;
  readonly lengthBytes: number;
  /** `missing`: not in the store; `damaged`: not what its name says; `unreadable`: not read. */
  readonly kind: 'missing' | 'damaged' | 'unreadable';
  readonly message: string;
  /** Where the damaged file is now; null if it was left, or is missing. */
  readonly setAside: string | null;
  /** Where a good copy was found; null if it was not repaired. */
  readonly repairedFrom: string | null;
  /** Snapshots that need it: some of them, and how many there are in all. */
  readonly snapshots: readonly string[];
  readonly snapshotCount: number;
}

export interface VerifyReport {
  readonly snapshots: number;
  /** Distinct chunks that these need, and the bytes of their plain content. */
  readonly chunks: number;
  readonly bytes: number;
  readonly readChunks: number;
  readonly readBytes: number;
  /** What share of chunks was read, 0 to 1, and how it was drawn. */
  readonly share: number;
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly bad: readonly BadChunk[];
  /** Bad chunks beyond those that are listed. */
  readonly unlistedBad: number;
  readonly isInterrupted: boolean;
  readonly warnings: readonly string[];
}

/** Whether everything that was looked at is good, or good again. */
export function isGood({ faults, bad, unlistedBad }: VerifyReport): boolean {
  return (
    faults.length === 0 &&
    unlistedBad === 0 &&
    bad.every(({ repairedFrom }) => repairedFrom !== null)
  );
}
