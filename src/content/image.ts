/**
 * The two ends of a copy, as the data plane sees them: an image that can be served, and a landing
 * that takes one in. Both speak of chunks by position: chunk `p` covers the bytes from `p *
 * chunkSizeBytes` up to the next chunk or the end of the image. The last chunk may be short; an
 * empty image has none.
 */

/** Length of a digest (SHA-256) in bytes. */
export const DIGEST_BYTES = 32;

/** What two agents must agree on before they can speak of positions. */
export interface ImageShape {
  readonly sizeBytes: number;
  readonly chunkSizeBytes: number;
}

/**
 * Digests of an image by position; may still grow while the image is scanned. Never held in memory
 * whole.
 */
export interface ImageIndex {
  readonly chunkCount: number;
  /** How many digests are known, from position 0 on. */
  known(): number;
  /** The digests of `count` chunks from `first`, packed; all of them must be known. */
  read(first: number, count: number): Buffer;
  /**
   * Resolves when the digest at `position` is known.
   * @throws KgetError the scan's failure (`source-unreadable`, `source-changed`), or `cancelled`
   */
  waitFor(position: number, signal: AbortSignal): Promise<void>;
}

/** Which chunks of an image under way can be read: digests are known before their chunks are here. */
export interface ChunkArrivals {
  /** How many chunks from `first` on can be read now, up to `atMost`. */
  readable(first: number, atMost: number): number;
  /**
   * Resolves when the chunk at `position` can be read.
   * @throws KgetError `cancelled`; why it will not come
   */
  waitFor(position: number, signal: AbortSignal): Promise<void>;
}

/** An image that this agent can give to others. */
export interface ServedImage {
  readonly shape: ImageShape;
  readonly index: ImageIndex;
  /** Of an image that is itself still on its way here; without it, all chunks can be read. */
  readonly arrivals?: ChunkArrivals;
  /**
   * Fills the pieces one after the other with the image's bytes from `offset` on.
   * @throws KgetError `source-unreadable`; `source-changed` if the file ends before
   */
  read(pieces: readonly Uint8Array[], offset: number): void;
  /**
   * A zstd frame of the chunk at `position` that is at hand and shorter than the chunk: it need not
   * be compressed again. Good until the next call. @throws KgetError as `read`
   */
  packed?(position: number): Uint8Array | undefined;
  /** @throws KgetError `source-changed` if the file is not any more the one that was scanned. */
  confirmUnchanged(): void;
}

/**
 * Chunks of one image that may be wanted (returned by `settle`) and not yet written, at any time.
 * Whoever brings them keeps to it by the size of its calls to `settle`.
 */
export const MAX_WANTED_CHUNKS = 8192;

/** Consecutive chunks. */
export interface ChunkRun {
  readonly first: number;
  readonly count: number;
}

/** A chunk as it came from its sender. */
export interface FetchedChunk {
  readonly bytes: Uint8Array;
  /** The zstd frame of `bytes` that came, if it came as one. */
  readonly packed?: Uint8Array | undefined;
}

/**
 * Takes in one image. Zeros, seeds, duplicates and what an interrupted try left behind are settled
 * here; the data plane only brings what is left.
 */
export interface Landing {
  /**
   * Takes the digests of the chunks from `first` on (packed, in ascending calls without gaps, one
   * after the other), settles what is at hand and returns what must be fetched, ascending. A digest
   * that is already being fetched for another position of this image is not returned again, unless
   * too many positions wait for it already.
   * @throws KgetError `no-room`, `target-unwritable`
   */
  settle(first: number, digests: Buffer): Promise<readonly ChunkRun[]>;
  /**
   * Verifies a fetched chunk against its digest and writes it (also to the other positions that
   * waited for it). `bytes` and `packed` may be reused by the caller afterwards.
   * @throws KgetError `corrupt`, `no-room`, `target-unwritable`; `protocol` for a chunk not wanted
   */
  write(position: number, chunk: FetchedChunk): void;
  /** Image bytes settled so far. */
  doneBytes(): number;
}
