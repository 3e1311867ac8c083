/** What `diff` tells, as it prints it with `--json`: this, then `summary`, then `extents`. */
export interface DiffHead {
  readonly schema: 'kgetplus.diff/1';
  readonly store: string;
  readonly before: ComparedSnapshot;
  readonly after: ComparedSnapshot;
  /** `zeros`: chunks were cut or named differently, so that all but zeros counts as changed. */
  readonly precision: 'chunks' | 'zeros';
}

interface ComparedSnapshot {
  readonly id: string;
  readonly sizeBytes: number;
}

export type DiffChange = 'changed' | 'written' | 'zeroed' | 'added' | 'removed';

/** A range of bytes that differs. */
export interface DiffExtent {
  readonly offset: number;
  readonly lengthBytes: number;
  readonly change: DiffChange;
}

export interface DiffTotals {
  readonly extents: number;
  readonly bytes: Readonly<Record<DiffChange, number>>;
}
