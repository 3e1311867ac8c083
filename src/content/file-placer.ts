import type { ChunkPlacer } from './chunk-placer.ts';
import { digestOf, isZero, zeroDigests } from './digest.ts';
import { readFully } from './file-bytes.ts';
import type { ImageShape } from './image.ts';
import type { PacedSync } from './paced-sync.ts';
import type { SeedTable } from './seed-table.ts';
import { chunkLengthAt } from './shape.ts';
import { createWriteBehind } from './write-behind.ts';

export interface FilePlacerOptions {
  readonly part: { readonly path: string; readonly fd: number; readonly reusedBytes: number };
  readonly shape: ImageShape;
  readonly seeds: SeedTable;
  readonly sync: PacedSync;
  /** The chunk at `position` can be read from the part. */
  onReadable?(position: number): void;
}

/** Puts chunks into a part file; those of an earlier try and of seeds are at hand. */
export function createFilePlacer(options: FilePlacerOptions): ChunkPlacer {
  const { part, shape, seeds, sync } = options;
  const zeros = zeroDigests(shape);
  const seed = seeds.addFile(part.path, shape);
  const readable = (position: number): void => options.onReadable?.(position);
  const writes = createWriteBehind({
    fd: part.fd,
    chunkSizeBytes: shape.chunkSizeBytes,
    onWritten: (offset) => readable(offset / shape.chunkSizeBytes),
  });
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
    else readable(position);
  }
  function settleData(left: Buffer | undefined, position: number, digest: Buffer): boolean {
    if (left !== undefined && !isZero(left) && digestOf(left).equals(digest)) {
      readable(position);
      return true;
    }
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
    write(position, digest, { bytes }) {
      put(position, bytes);
      done(position, digest);
    },
    idle: () => writes.idle(),
    doneBytes: () => doneBytes,
  };
}
