import { assert } from '../base/assert.ts';
import type { Extent } from './disk.ts';

/** A part of a read that is answered at once. */
export interface Segment extends Extent {
  /** From the start of the disk. */
  readonly offset: number;
}

/** Joins neighbours that are alike. */
export function mergeExtents(extents: readonly Extent[]): Extent[] {
  const merged: Extent[] = [];
  for (const { lengthBytes, isZero } of extents) {
    const last = merged.at(-1);
    if (last?.isZero !== isZero) merged.push({ lengthBytes, isZero });
    else merged[merged.length - 1] = { lengthBytes: last.lengthBytes + lengthBytes, isZero };
  }
  return merged;
}

/**
 * The parts of a read from `offset` on: zeros whole, data in pieces that end at multiples of
 * `pieceBytes`, so that no block of the disk is read twice.
 */
export function segmentsOf(
  extents: readonly Extent[],
  { offset, pieceBytes }: { readonly offset: number; readonly pieceBytes: number },
): Segment[] {
  const segments: Segment[] = [];
  let at = offset;
  for (const { lengthBytes, isZero } of mergeExtents(extents)) {
    const end = at + lengthBytes;
    while (at < end) {
      const pieceEnd = isZero ? end : Math.min(end, (Math.floor(at / pieceBytes) + 1) * pieceBytes);
      segments.push({ offset: at, lengthBytes: pieceEnd - at, isZero });
      at = pieceEnd;
    }
  }
  return segments;
}

/** Ends the action when a disk does not tell just about the range that it was asked for. */
export function assertCovers(extents: readonly Extent[], lengthBytes: number): void {
  const coveredBytes = extents.reduce((sum, extent) => sum + extent.lengthBytes, 0);
  const areFilled = extents.every((extent) => extent.lengthBytes > 0);
  assert(areFilled && coveredBytes === lengthBytes, 'extents cover just the range asked for');
}
