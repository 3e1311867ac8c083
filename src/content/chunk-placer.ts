import { digestOf, isZero, zeroDigests } from './digest.ts';
import { readFully } from './file-bytes.ts';
import type { ImageShape } from './image.ts';
import type { PacedSync } from './paced-sync.ts';
import type { SeedTable } from './seed-table.ts';
import { chunkLengthAt } from './shape.ts';
import { createWriteBehind } from './write-behind.ts';

/**
 * Puts the chunks of one image into its part file, and counts them. Its errors are the system's.
 */
export interface ChunkPlacer {
  /** Bytes that `settle` will have to read and hash for the chunk. */
  costBytes(position: number, digest: Buffer): number;
  /**
   * Settles a chunk with what is at hand: zeros, an earlier try, seeds. False if it is not at hand.
   */
  settle(position: number, digest: Buffer): boolean;
  /** Writes a chunk that was fetched and verified. */
  write(position: number, digest: Buffer, bytes: Uint8Array): void;
  /** Resolves when all that was put is in the file. */
  idle(): Promise<void>;
  /** Image bytes settled or written so far. */
  doneBytes(): number;
}

export interface PlacerOptions {
  readonly part: { readonly path: string; readonly fd: number; readonly reusedBytes: number };
  readonly shape: ImageShape;
  readonly seeds: SeedTable;
  readonly sync: PacedSync;
}

export function createChunkPlacer(options: PlacerOptions): ChunkPlacer {
  const { part, shape, seeds, sync } = options;
  const zeros = zeroDigests(shape);
  const seed = seeds.addFile(part.path, shape);
  const writes = createWriteBehind(part.fd, shape.chunkSizeBytes);
  const buffer = Buffer.allocUnsafe(shape.chunkSizeBytes);
  let doneBytes = 0;

  const mayBeLeft = (position: number): boolean =>
    position * shape.chunkSizeBytes < part.reusedBytes;

  function put(position: number, bytes: Uint8Array): void {
    writes.write(bytes, position * shape.chunkSizeBytes);
    sync.wrote(bytes.length);
  }
  /** Settles a zero chunk: a new part has a hole there already. */
  function settleZero(left: Buffer | undefined, position: number): void {
    if (left !== undefined && !isZero(left)) put(position, left.fill(0));
  }
  function settleData(left: Buffer | undefined, position: number, digest: Buffer): boolean {
    if (left !== undefined && !isZero(left) && digestOf(left).equals(digest)) return true;
    const length = chunkLengthAt(shape, position);
    if (!seeds.read(digest, length, buffer)) return false;
    put(position, buffer.subarray(0, length));
    return true;
  }
  /** What an earlier try may have left of the chunk. */
  function readLeft(position: number): Buffer | undefined {
    if (!mayBeLeft(position)) return undefined;
    const offset = position * shape.chunkSizeBytes;
    const length = readFully(part.fd, buffer, { offset, length: chunkLengthAt(shape, position) });
    return buffer.subarray(0, length);
  }
  function done(position: number, digest: Buffer): void {
    seed.add(position, digest);
    doneBytes += chunkLengthAt(shape, position);
  }
  return {
    costBytes: (position, digest) =>
      mayBeLeft(position) || seeds.find(digest) ? chunkLengthAt(shape, position) : 0,
    settle(position, digest) {
      const left = readLeft(position);
      if (zeros.at(position).equals(digest)) settleZero(left, position);
      else if (!settleData(left, position, digest)) return false;
      done(position, digest);
      return true;
    },
    write(position, digest, bytes) {
      put(position, bytes);
      done(position, digest);
    },
    idle: () => writes.idle(),
    doneBytes: () => doneBytes,
  };
}
