import { assert } from '../base/assert.ts';
import type { Disk } from './disk.ts';
import { assertCovers, segmentsOf, type Segment } from './extents.ts';
import { PIECE_BYTES, PIECES_AHEAD } from './limits.ts';

/** A part of a read: zeros have no bytes. */
export type Piece =
  | { readonly kind: 'zeros'; readonly segment: Segment }
  | { readonly kind: 'data'; readonly segment: Segment; readonly bytes: Buffer }
  | { readonly kind: 'failed'; readonly segment: Segment; readonly error: unknown };

export interface Range {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** What a range is read in. @throws what `Disk.extents` throws */
export async function planRead(disk: Disk, range: Range): Promise<Segment[]> {
  const { offset, lengthBytes } = range;
  const extents = await disk.extents(offset, lengthBytes);
  assertCovers(extents, lengthBytes);
  return segmentsOf(extents, { offset, pieceBytes: Math.max(PIECE_BYTES, disk.blockBytes) });
}

/**
 * The pieces in order, a few of them being read at a time: the next ones are fetched while one is
 * sent. Ends only when no call of the disk is under way, also if it is left early.
 */
export async function* readPieces(
  disk: Disk,
  segments: readonly Segment[],
): AsyncGenerator<Piece, void, void> {
  const ahead: Promise<Piece>[] = [];
  let started = 0;
  try {
    for (;;) {
      while (started < segments.length && ahead.length < PIECES_AHEAD) {
        const segment = segments[started];
        assert(segment !== undefined, 'the segment is one of the segments');
        ahead.push(readPiece(disk, segment));
        started += 1;
      }
      const piece = await ahead.shift();
      if (piece === undefined) return;
      yield piece;
    }
  } finally {
    await Promise.all(ahead);
  }
}

async function readPiece(disk: Disk, segment: Segment): Promise<Piece> {
  if (segment.isZero) return { kind: 'zeros', segment };
  try {
    const bytes = await disk.read(segment.offset, segment.lengthBytes);
    assert(bytes.length === segment.lengthBytes, 'a disk reads just what it was asked for');
    return { kind: 'data', segment, bytes };
  } catch (error) {
    return { kind: 'failed', segment, error };
  }
}
