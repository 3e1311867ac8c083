import { rmSync } from 'node:fs';
import { KgetError } from '../base/error.ts';
import { pause } from '../content/pause.ts';
import { lockTable, openSegments, removeLeftovers } from './table-directory.ts';
import { mergedRecords } from './table-merge.ts';
import type { TableSegment } from './table-segment.ts';
import { createSegmentWriter } from './table-writer.ts';

/** Segments that merging leaves, at most: each of them is looked into for a chunk that is new. */
const MAX_KEPT_SEGMENTS = 8;

/** Segments that are merged in one go, the smallest of those that are to be. */
const MAX_MERGED_SEGMENTS = 64;

/** No segment has so many times the records of another. */
const MAX_FACTOR = 2 ** 33;

/** Rounds of one call: others add segments while it merges. */
const MAX_ROUNDS = 64;

/**
 * Merges segments of the table in `directory` until few are left, which differ in size by factors.
 * In a table made of 1000 equal additions, a record has been written 8 times; of 100,000, 14 times.
 * Does nothing if another process is at it. Its errors are the system's.
 */
export async function compactTable(directory: string): Promise<void> {
  const unlock = lockUnlessTaken(directory);
  if (unlock === undefined) return;
  try {
    removeLeftovers(directory);
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      if (!(await mergeSome(directory))) break;
    }
  } finally {
    unlock();
  }
}

function lockUnlessTaken(directory: string): (() => void) | undefined {
  try {
    return lockTable(directory);
  } catch (error) {
    if (error instanceof KgetError && error.code === 'locked') return undefined;
    throw error;
  }
}

/** False if there is nothing to merge. */
async function mergeSome(directory: string): Promise<boolean> {
  const { segments } = openSegments(directory);
  try {
    const chosen = segmentsToMerge(segments).slice(-MAX_MERGED_SEGMENTS);
    if (chosen.length === 0) return false;
    await merge(directory, chosen);
    return true;
  } finally {
    for (const segment of segments) segment.close();
  }
}

/**
 * Which of the segments, the largest of which comes first, are to become one: from the first one on
 * that is smaller than all after it together; twice, four times as much and so on counts, if too
 * many would be left otherwise.
 */
export function segmentsToMerge<Segment extends { readonly count: number }>(
  segments: readonly Segment[],
): readonly Segment[] {
  for (let factor = 1; factor <= MAX_FACTOR; factor *= 2) {
    const merged = segments.slice(firstToMerge(segments, factor));
    const left = segments.length - merged.length + (merged.length > 0 ? 1 : 0);
    if (left <= MAX_KEPT_SEGMENTS) return merged;
  }
  return segments;
}

function firstToMerge(segments: readonly { readonly count: number }[], factor: number): number {
  let first = segments.length;
  let smaller = 0;
  for (const [back, segment] of segments.toReversed().entries()) {
    // Nobody writes empty ones, but they are not to stay for ever.
    const count = Math.max(segment.count, 1);
    if (count < factor * smaller) first = segments.length - 1 - back;
    smaller += count;
  }
  return first;
}

async function merge(directory: string, segments: readonly TableSegment[]): Promise<void> {
  const writer = createSegmentWriter(directory);
  try {
    // A segment that cannot be read to its end goes too: the table is a cache, and would otherwise
    // come to grief over it in every merge.
    for (const batch of mergedRecords(segments, () => undefined)) {
      writer.append(batch);
      await pause();
    }
    await writer.finish();
  } finally {
    writer.abandon();
  }
  // Not synced: one that is there again after a crash has nothing but what is known.
  for (const { path } of segments) rmSync(path, { force: true });
}
