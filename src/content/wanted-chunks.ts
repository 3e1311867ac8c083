import { assert } from '../base/assert.ts';
import { type ImageShape, MAX_WANTED_CHUNKS } from './image.ts';
import { chunkLengthAt } from './shape.ts';

/**
 * Bytes that one chunk may be written to at once, at all of its positions: they hold up the rest.
 */
export const MAX_WRITTEN_AT_ONCE_BYTES = 64 * 1024 * 1024;

/** A chunk that is being fetched. */
export interface WantedChunk {
  readonly digest: Buffer;
  /** Where it goes: the position for which it is fetched, then those that wait for it. */
  readonly positions: readonly number[];
}

/** The chunks of one image that are being fetched. */
export interface WantedChunks {
  /** Positions without their chunk. */
  size(): number;
  /** True if the chunk must be fetched for `position`; false if one under way will do. */
  add(position: number, digest: Buffer): boolean;
  /** The chunk that is being fetched for `position`, if one is. */
  get(position: number): WantedChunk | undefined;
  /** The chunk for `position` has been written everywhere. */
  remove(position: number): void;
}

export function createWantedChunks(shape: ImageShape): WantedChunks {
  const maxPositions = MAX_WRITTEN_AT_ONCE_BYTES / shape.chunkSizeBytes;
  const byPosition = new Map<number, { digest: Buffer; key: string; positions: number[] }>();
  const byDigest = new Map<string, number>();
  let waiting = 0;
  return {
    size: () => byPosition.size + waiting,
    add(position, digest) {
      // Digests come from the sender: a short chunk must not become as long as a full one.
      const key = `${chunkLengthAt(shape, position)} ${digest.toString('latin1')}`;
      const other = byPosition.get(byDigest.get(key) ?? -1);
      if (other !== undefined && other.positions.length < maxPositions) {
        other.positions.push(position);
        waiting += 1;
        return false;
      }
      assert(byPosition.size < MAX_WANTED_CHUNKS, 'too many chunks are wanted at once');
      // A copy: the caller's digests are part of a larger buffer, and may be reused.
      byPosition.set(position, { digest: Buffer.from(digest), key, positions: [position] });
      byDigest.set(key, position);
      return true;
    },
    get: (position) => byPosition.get(position),
    remove(position) {
      const wanted = byPosition.get(position);
      if (wanted === undefined) return;
      byPosition.delete(position);
      if (byDigest.get(wanted.key) === position) byDigest.delete(wanted.key);
      waiting -= wanted.positions.length - 1;
    },
  };
}
