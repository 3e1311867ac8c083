/** What `ls` and `show` tell of a store, as they print it with `--json`. */

/** A snapshot in a list. */
export interface ListedSnapshot {
  /** `RUN/NODE/IMAGE`: what other commands take. */
  readonly id: string;
  readonly node: string;
  /** The file name of the image. */
  readonly image: string;
  /** Where it was on its node; null if nothing says so. */
  readonly path: string | null;
  /** Null if neither its index nor the run's manifest can be read. */
  readonly sizeBytes: number | null;
  /** Bytes of chunks that are not all zero; null if unknown. */
  readonly dataBytes: number | null;
  /** Bytes of chunk files that no other snapshot uses; null if unknown. */
  readonly uniqueBytes: number | null;
  /** Chunks that the store should have and has not; null if that was not looked at. */
  readonly missingChunks: number | null;
  /** Why its index cannot be used; null if it can. */
  readonly problem: string | null;
}

/** An image that a run did not get. */
export interface ListedAbsence {
  readonly node: string;
  /** Null if the node named none. */
  readonly path: string | null;
  readonly reason: string;
}

/** `unfinished`: it goes on, or broke off, or its manifest is lost. */
type ListedState = 'complete' | 'incomplete' | 'unfinished';

export interface ListedRun {
  readonly run: string;
  readonly startedAt: string;
  /** Null while it is not finished. */
  readonly endedAt: string | null;
  readonly state: ListedState;
  readonly tags: readonly string[];
  /** Of the snapshots that are listed, as far as known. */
  readonly sizeBytes: number;
  readonly dataBytes: number | null;
  /** Bytes of chunk files that no other run uses; null too if not all of this one is listed. */
  readonly uniqueBytes: number | null;
  readonly snapshots: readonly ListedSnapshot[];
  readonly missing: readonly ListedAbsence[];
}

/** The oldest run first. */
export interface StoreListing {
  readonly schema: 'kgetplus.ls/1';
  readonly store: string;
  readonly runs: readonly ListedRun[];
}

/** Numbers of a snapshot's chunks; null if they could not be looked up. */
export interface ShownChunks {
  readonly count: number;
  readonly zero: number;
  readonly distinct: number | null;
  readonly unique: number | null;
  /** How they are named: `sha256` or `sha512-256`. */
  readonly algorithm: string;
  /** Whether all have one size; else they were cut by content, within these bounds. */
  readonly isFixed: boolean;
  readonly minBytes: number;
  readonly avgBytes: number;
  readonly maxBytes: number;
}

/** One snapshot in all detail. */
export interface ShownSnapshot extends ListedSnapshot {
  readonly indexPath: string;
  /** SHA-256 of the index file, hexadecimal. */
  readonly indexSha256: string | null;
  /** Null if its index cannot be used. */
  readonly chunks: ShownChunks | null;
  /** Bytes of the files of its chunks, and those that crossed the frontend's link for it. */
  readonly storedBytes: number | null;
  readonly wireBytes: number | null;
  readonly wireChunks: number | null;
  /** A command of casync's that writes the image. */
  readonly extractCommand: string;
}

/** A run in all detail, with all of its snapshots or only some. */
export interface ShownRun extends Omit<ListedRun, 'snapshots'> {
  readonly schema: 'kgetplus.show/1';
  readonly store: string;
  /** What its manifest says; null if there is none. */
  readonly by: {
    readonly user: string;
    readonly host: string;
    readonly version: string;
    readonly command: readonly string[];
  } | null;
  readonly snapshots: readonly ShownSnapshot[];
}
