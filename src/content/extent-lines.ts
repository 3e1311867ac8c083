import type { ChunkRun, ImageShape } from './image.ts';
import { chunkCountOf } from './shape.ts';

/** Where a file has data, in bytes. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** Two numbers of at most 16 digits, and some air. */
const MAX_LINE_CHARACTERS = 64;

/**
 * The runs of chunks that lie in extents: of the first of `lists` that names any, or ends with
 * `end`. Where a list ends without it, all chunks from the last one named on are a run.
 */
export async function* runsOfExtents(
  lists: Iterable<AsyncIterable<Extent | 'end'>>,
  shape: ImageShape,
): AsyncGenerator<ChunkRun, void, void> {
  const chunkCount = chunkCountOf(shape);
  let first = 0;
  let next = 0;
  let complete = false;
  for (const list of lists) {
    for await (const extent of list) {
      complete = extent === 'end';
      if (extent === 'end') break;
      const from = Math.floor(extent.start / shape.chunkSizeBytes);
      const to = Math.min(Math.ceil(extent.end / shape.chunkSizeBytes), chunkCount);
      if (from > next && next > first) yield { first, count: next - first };
      if (from > next) first = from;
      next = Math.max(next, to);
    }
    // A second list would begin again from the start, behind what has been said.
    if (complete || next > 0) break;
  }
  if (!complete) next = chunkCount;
  if (next > first) yield { first, count: next - first };
}

/**
 * The extents that a program prints as lines `START END`, ascending and apart from each other, and
 * `end` if it has named all of them. Ends early at anything else: what follows is not known then.
 */
export async function* readExtents(
  output: AsyncIterable<unknown>,
): AsyncGenerator<Extent | 'end', void, void> {
  let rest = '';
  let doneBytes = 0;
  for await (const text of output) {
    const lines = `${rest}${String(text)}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const extent = line === 'end' ? line : parseExtent(line);
      if (extent === undefined) return;
      // Out of order, it would be taken for data that was named before.
      if (extent !== 'end' && extent.start < doneBytes) return;
      if (extent !== 'end') doneBytes = extent.end;
      yield extent;
    }
    if (rest.length > MAX_LINE_CHARACTERS) return;
  }
}

function parseExtent(line: string): Extent | undefined {
  const match = /^(\d{1,16}) (\d{1,16})$/.exec(line);
  if (match === null) return undefined;
  const [start, end] = [Number(match[1]), Number(match[2])];
  return end > start ? { start, end } : undefined;
}
