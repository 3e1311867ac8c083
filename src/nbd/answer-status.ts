import { fail, type AnswerContext } from './answer-read.ts';
import type { Disk, Extent } from './disk.ts';
import { assertCovers, mergeExtents } from './extents.ts';
import { MAX_EXTENTS_RANGE_BYTES, MAX_STATUS_EXTENTS } from './limits.ts';
import { CommandFlag } from './protocol.ts';
import { encodeBlockStatus } from './reply.ts';
import type { Range } from './read-pieces.ts';
import type { Request } from './request.ts';

/** Answers a BLOCK_STATUS that is allowed. */
export async function answerStatus(request: Request, context: AnswerContext): Promise<void> {
  const isOneWanted = (request.flags & CommandFlag.requestOne) !== 0;
  let extents: Extent[];
  try {
    extents = await firstExtents(context.disk, request, isOneWanted ? 1 : MAX_STATUS_EXTENTS);
  } catch (error) {
    return fail(request, error, context);
  }
  await context.wire.write([encodeBlockStatus(request.cookie, extents)]);
}

/** The extents at the begin of a range, at most `count`; the last one of these is complete. */
async function firstExtents(disk: Disk, range: Range, count: number): Promise<Extent[]> {
  let extents: Extent[] = [];
  // One more than wanted shows where the last one ends.
  for (let doneBytes = 0; doneBytes < range.lengthBytes && extents.length <= count;) {
    const lengthBytes = Math.min(range.lengthBytes - doneBytes, MAX_EXTENTS_RANGE_BYTES);
    const next = await disk.extents(range.offset + doneBytes, lengthBytes);
    assertCovers(next, lengthBytes);
    extents = mergeExtents([...extents, ...next]);
    doneBytes += lengthBytes;
  }
  return extents.slice(0, count);
}
