import type { FetchedChunk } from './image.ts';

/**
 * Puts the chunks of one image where they belong, and counts them: into a part file, or into a
 * store. Its errors are the system's.
 */
export interface ChunkPlacer {
  /** Bytes that `settle` will have to read and hash for the chunk. */
  costBytes(position: number, digest: Buffer): number;
  /** Settles a chunk with what is at hand. False if it is not at hand. */
  settle(position: number, digest: Buffer): boolean;
  /** Writes a chunk that was fetched and verified. */
  write(position: number, digest: Buffer, chunk: FetchedChunk): void;
  /** Resolves when all that was put is where it can be read back. */
  idle(): Promise<void>;
  /** Image bytes settled or written so far. */
  doneBytes(): number;
}
