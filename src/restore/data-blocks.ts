import type { ByteRange } from '../content/file-bytes.ts';

/** The block of most file systems: a smaller hole takes as much room as data. */
const BLOCK_BYTES = 4096;

const ZEROS = Buffer.alloc(BLOCK_BYTES);

/**
 * The parts of `bytes`, which belong at `offset` in a file, that are not whole blocks of zeros,
 * ascending and apart from each other. All else may be a hole.
 */
export function dataBlocks(bytes: Buffer, offset: number): ByteRange[] {
  const ranges: { offset: number; length: number }[] = [];
  let from = 0;
  while (from < bytes.length) {
    // The first block may begin in the middle, where chunks are cut by content.
    const blockEnd = BLOCK_BYTES - ((offset + from) % BLOCK_BYTES) + from;
    const to = Math.min(blockEnd, bytes.length);
    if (!isZeroBlock(bytes, from, to)) {
      const last = ranges.at(-1);
      if (last !== undefined && last.offset + last.length === from) last.length += to - from;
      else ranges.push({ offset: from, length: to - from });
    }
    from = to;
  }
  return ranges;
}

/** Most blocks with data show it in their first byte, or their middle one. */
function isZeroBlock(bytes: Buffer, from: number, to: number): boolean {
  if (bytes[from] !== 0 || bytes[(from + to) >>> 1] !== 0) return false;
  return bytes.compare(ZEROS, 0, to - from, from, to) === 0;
}
