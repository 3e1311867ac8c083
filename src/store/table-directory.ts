/** The directory of a chunk table: its segments, what interrupted processes left, and its lock. */
import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError, systemCode } from '../base/error.ts';
import { takeLock } from './lock.ts';
import { openSegment, type TableSegment } from './table-segment.ts';

const SEGMENT_SUFFIX = '.chunks';
const UNFINISHED_SUFFIX = '.chunks-part';
const LOCK = 'merge.lock';

/** Segments that are used at a time, the first by name: each holds a file open. */
const MAX_SEGMENTS = 1024;

/** Times that the directory is listed until two listings are equal. */
const MAX_LISTINGS = 16;

/** An unfinished segment that was not written for so long is nobody's any more. */
const LEFTOVER_AGE_MS = 24 * 3600 * 1000;

/** The final name of a new segment, and the one under which it is written. */
export interface SegmentPaths {
  readonly path: string;
  readonly unfinished: string;
}

export function newSegmentPaths(directory: string): SegmentPaths {
  const name = randomUUID();
  return {
    path: join(directory, name + SEGMENT_SUFFIX),
    unfinished: join(directory, name + UNFINISHED_SUFFIX),
  };
}

/** Paths of all segments, sorted; none if there is no directory. */
export function segmentPaths(directory: string): readonly string[] {
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith(SEGMENT_SUFFIX));
    return names.sort().map((name) => join(directory, name));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

export interface OpenedSegments {
  /** The largest first. */
  readonly segments: readonly TableSegment[];
  /** One text for each segment that cannot be used. */
  readonly warnings: readonly string[];
}

/** Opens the segments that there are at one time, though others merge them meanwhile. */
export function openSegments(directory: string): OpenedSegments {
  let paths = segmentPaths(directory);
  for (let listings = 1; ; listings += 1) {
    const opened = openAll(paths);
    const now = segmentPaths(directory);
    // What one listing misses of a merge, the segment that it made or those that went into it,
    // is no loss, since files have the last word. So it need not be tried for ever.
    if (listings === MAX_LISTINGS || now.join('\n') === paths.join('\n')) return opened;
    for (const segment of opened.segments) segment.close();
    paths = now;
  }
}

function openAll(paths: readonly string[]): OpenedSegments {
  const segments: TableSegment[] = [];
  const warnings: string[] = [];
  for (const path of paths.slice(0, MAX_SEGMENTS)) {
    const opened = openSegment(path);
    if ('defect' in opened) warnings.push(unusable(path, opened.defect));
    else segments.push(opened);
  }
  const excess = paths.length - MAX_SEGMENTS;
  if (excess > 0) warnings.push(`${excess} segments beyond ${MAX_SEGMENTS} are not used`);
  segments.sort((a, b) => b.count - a.count);
  return { segments, warnings };
}

/** The warning on a segment that is ignored. */
export function unusable(path: string, defect: string): string {
  return `Cannot use ${path} of the chunk table: ${defect}; its chunks are looked up as files`;
}

/**
 * Takes the right to merge and remove segments; returns what gives it back. The directory must be
 * there. Only work is spared by it: whoever merges without it, on another host for instance, loses
 * nothing, since a segment goes only after all its records became durable in a newer one.
 * @throws KgetError `locked` if another process has it, or another call in this one
 */
export function lockTable(directory: string): () => void {
  const path = join(directory, LOCK);
  takeLock(
    path,
    (pid) =>
      new KgetError(
        'locked',
        `Cannot merge or rebuild the chunk table ${directory}: process ${pid} is at it; wait for ` +
          'its end',
      ),
  );
  return () => rmSync(path, { force: true });
}

/** Removes unfinished segments of processes that are gone. Under the lock. */
export function removeLeftovers(directory: string): void {
  // The file system's clock, not ours: the directory may be another host's.
  const nowMs = statSync(join(directory, LOCK), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  for (const name of readdirSync(directory)) {
    if (!name.endsWith(UNFINISHED_SUFFIX)) continue;
    const path = join(directory, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && nowMs - stat.mtimeMs > LEFTOVER_AGE_MS) rmSync(path, { force: true });
  }
}
