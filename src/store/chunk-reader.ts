import type { DigestAlgorithm } from '../content/digest-algorithm.ts';

/** A chunk as an index names it. */
export interface ChunkName {
  readonly digest: Buffer;
  readonly algorithm: DigestAlgorithm;
  /** Bytes of the plain chunk. */
  readonly lengthBytes: number;
}

/**
 * The chunks of a store, for reading. Safe beside a running `prune`: a chunk that is being set
 * aside is found where it went.
 */
export interface ChunkReader {
  /**
   * The plain bytes of a chunk: decompressed, and verified against its digest and length. Many calls
   * may run at once.
   * @throws KgetError `corrupt` if the chunk is missing, damaged, or no zstd frame of that length;
   * `source-unreadable` if it cannot be read
   */
  read(chunk: ChunkName): Promise<Buffer>;
  /** Bytes of the chunk's file; undefined if the store does not have it. */
  packedBytes(digest: Buffer): number | undefined;
}
