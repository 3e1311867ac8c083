import type { BlobIndex, IndexedChunk } from '../content/blob-index.ts';
import { isChunkSize } from '../content/shape.ts';
import { zeroTeller } from '../content/zero-chunks.ts';
import type { ChunkCache } from './chunk-cache.ts';
import type { Disk, Extent } from './disk.ts';

/** What is read ahead of a client that reads in order. */
const READ_AHEAD_BYTES = 2 * 1024 * 1024;

/** Where reads are cut if chunks have sizes of their own. */
const OTHER_BLOCK_BYTES = 128 * 1024;

export interface SnapshotDiskOptions {
  /** Stays open: the disk may be used again after `close`. */
  readonly index: BlobIndex;
  readonly cache: ChunkCache;
}

/** A snapshot of a store as a disk: chunks are read when they are wanted, and some ahead. */
export function snapshotDisk({ index, cache }: SnapshotDiskOptions): Disk {
  const { sizeBytes, chunkBytes } = index;
  const isZero = zeroTeller(index);
  const zeroBytes = Buffer.alloc(chunkBytes.max);
  /** Where the client that read last will go on if it reads in order. */
  let nextOffset = 0;

  /** The chunks that have bytes of a range. */
  function chunksOf(offset: number, lengthBytes: number): readonly IndexedChunk[] {
    const first = index.find(offset);
    const last = index.find(offset + lengthBytes - 1);
    return index.read(first, last - first + 1);
  }
  async function partOf(chunk: IndexedChunk, offset: number, end: number): Promise<Buffer> {
    const bytes = isZero(chunk) ? zeroBytes : await cache.read(chunk);
    const from = Math.max(offset - chunk.offset, 0);
    return bytes.subarray(from, Math.min(end - chunk.offset, chunk.lengthBytes));
  }
  function readAhead(offset: number): void {
    if (offset >= sizeBytes) return;
    const lengthBytes = Math.min(READ_AHEAD_BYTES, sizeBytes - offset);
    for (const chunk of chunksOf(offset, lengthBytes)) if (!isZero(chunk)) cache.prefetch(chunk);
  }
  return {
    sizeBytes,
    blockBytes: index.isFixed && isChunkSize(chunkBytes.max) ? chunkBytes.max : OTHER_BLOCK_BYTES,
    async read(offset, lengthBytes) {
      const end = offset + lengthBytes;
      const isInOrder = offset === nextOffset;
      const parts = chunksOf(offset, lengthBytes).map((chunk) => partOf(chunk, offset, end));
      nextOffset = end;
      if (isInOrder) readAhead(end);
      const [only, ...others] = await Promise.all(parts);
      return only !== undefined && others.length === 0
        ? only
        : Buffer.concat(await Promise.all(parts));
    },
    async extents(offset, lengthBytes) {
      const end = offset + lengthBytes;
      return chunksOf(offset, lengthBytes).map((chunk): Extent => ({
        lengthBytes:
          Math.min(end, chunk.offset + chunk.lengthBytes) - Math.max(offset, chunk.offset),
        isZero: isZero(chunk),
      }));
    },
    close: () => Promise.resolve(),
  };
}
