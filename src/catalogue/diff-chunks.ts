/** What one index says of a piece of its image. */
export interface Piece {
  readonly offset: number;
  readonly lengthBytes: number;
  readonly digest: Buffer;
  /** Whether all of it is zero. */
  readonly isZero: boolean;
}

/**
 * How a range of the second image differs from the first: `changed` data, `written` where zeros
 * were, `zeroed` where data was; `added` beyond the first one's end, `removed` beyond the second's.
 */
export type Change = 'changed' | 'written' | 'zeroed' | 'added' | 'removed';

export interface Extent {
  readonly offset: number;
  readonly lengthBytes: number;
  readonly change: Change;
}

/** Pieces that are looked at between two pulses. */
const PULSE = 4096;

/**
 * Where two images differ, by their chunks in order; neighbours of one kind are one extent. A range
 * is the same if chunks with the same digest lie at the same place in both, or if both are zero:
 * chunks that were cut otherwise count as changed. `isSameKind` says whether digests of one can
 * equal those of the other; else only zeros are the same. Holds one piece of each at a time. Yields
 * undefined now and then, so that the caller can hear signals while nothing differs.
 */
export function* diffPieces(
  before: Iterable<Piece>,
  after: Iterable<Piece>,
  { isSameKind = true }: { readonly isSameKind?: boolean } = {},
): Generator<Extent | undefined, void> {
  const merged = merger();
  let looked = 0;
  for (const { one, other, offset, end } of overlaps(before, after)) {
    const change = changeOf(one, other, isSameKind);
    const done = merged.add({ offset, end, change });
    if (done !== undefined) yield done;
    looked += 1;
    if (looked % PULSE === 0) yield undefined;
  }
  const last = merged.end();
  if (last !== undefined) yield last;
}

function changeOf(
  one: Piece | undefined,
  other: Piece | undefined,
  isSameKind: boolean,
): Change | undefined {
  if (one === undefined) return 'added';
  if (other === undefined) return 'removed';
  if (one.isZero && other.isZero) return undefined;
  if (one.isZero) return 'written';
  if (other.isZero) return 'zeroed';
  return isSameKind && isSame(one, other) ? undefined : 'changed';
}

function isSame(one: Piece, other: Piece): boolean {
  return (
    one.offset === other.offset &&
    one.lengthBytes === other.lengthBytes &&
    one.digest.equals(other.digest)
  );
}

/** A range in which neither image goes on to another piece. */
interface Overlap {
  readonly one: Piece | undefined;
  readonly other: Piece | undefined;
  readonly offset: number;
  readonly end: number;
}

function* overlaps(before: Iterable<Piece>, after: Iterable<Piece>): Generator<Overlap, void> {
  const ones = before[Symbol.iterator]();
  const others = after[Symbol.iterator]();
  let one = take(ones);
  let other = take(others);
  let offset = 0;
  while (one !== undefined || other !== undefined) {
    const end = Math.min(endOf(one), endOf(other));
    yield { one, other, offset, end };
    if (endOf(one) === end) one = take(ones);
    if (endOf(other) === end) other = take(others);
    offset = end;
  }
}

function take(pieces: Iterator<Piece>): Piece | undefined {
  const next = pieces.next();
  return next.done === true ? undefined : next.value;
}

function endOf(piece: Piece | undefined): number {
  return piece === undefined ? Infinity : piece.offset + piece.lengthBytes;
}

/** Joins ranges that follow each other and are of one kind. */
function merger() {
  let open: Extent | undefined;

  function end(): Extent | undefined {
    const done = open;
    open = undefined;
    return done;
  }
  return {
    /** The extent that this range ends, if any. */
    add({ offset, end: to, change }: { offset: number; end: number; change: Change | undefined }) {
      if (open?.change === change && open !== undefined) {
        open = { ...open, lengthBytes: to - open.offset };
        return undefined;
      }
      const done = end();
      if (change !== undefined) open = { offset, lengthBytes: to - offset, change };
      return done;
    },
    end,
  };
}
