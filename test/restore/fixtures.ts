/** Images, their indexes and their chunks, that the tests of `restore` work with. */
import { writeFileSync } from 'node:fs';
import { KgetError } from '../../src/base/error.ts';
import { type DigestAlgorithm, digestBy } from '../../src/content/digest-algorithm.ts';
import { encodeHead, encodeTail } from '../../src/content/index-format.ts';
import type { ChunkReader } from '../../src/store/chunk-reader.ts';

/** An image cut into chunks. */
export interface CutImage {
  readonly image: Buffer;
  readonly pieces: readonly Buffer[];
  readonly algorithm: DigestAlgorithm;
  readonly bounds: { readonly min: number; readonly avg: number; readonly max: number };
}

/** Chunks of one size, but for the last one. */
export function cutFixed(image: Buffer, chunkBytes: number): CutImage {
  const pieces = Array.from({ length: Math.ceil(image.length / chunkBytes) }, (_, at) =>
    image.subarray(at * chunkBytes, (at + 1) * chunkBytes),
  );
  const bounds = { min: chunkBytes, avg: chunkBytes, max: chunkBytes };
  return { image, pieces, algorithm: 'sha256', bounds };
}

/** Chunks of these lengths, again and again, as if they were cut by content. */
export function cutBy(
  image: Buffer,
  lengths: readonly number[],
  algorithm: DigestAlgorithm,
): CutImage {
  const pieces: Buffer[] = [];
  for (let from = 0; from < image.length;) {
    const length = lengths[pieces.length % lengths.length] ?? 1;
    pieces.push(image.subarray(from, from + length));
    from += length;
  }
  const [min, max] = [Math.min(...lengths), Math.max(...lengths)];
  return { image, pieces, algorithm, bounds: { min, avg: Math.round((min + max) / 2), max } };
}

/** Writes the index of a cut image as casync would. */
export function writeCutIndex(path: string, cut: CutImage): void {
  const head = Buffer.from(encodeHead(cut.bounds.max));
  head.writeBigUInt64LE(cut.algorithm === 'sha256' ? 0n : 0x2000000000000000n, 16);
  head.writeBigUInt64LE(BigInt(cut.bounds.min), 24);
  head.writeBigUInt64LE(BigInt(cut.bounds.avg), 32);
  let end = 0;
  const entries = cut.pieces.flatMap((piece) => {
    end += piece.length;
    const entry = Buffer.alloc(8);
    entry.writeBigUInt64LE(BigInt(end));
    return [entry, digestBy(cut.algorithm, piece)];
  });
  writeFileSync(path, Buffer.concat([head, ...entries, encodeTail(cut.pieces.length)]));
}

/** A store in memory that counts what is read of it. */
export interface MemoryChunks extends ChunkReader {
  /** Digests that were read, hexadecimal. */
  readonly reads: string[];
  /** From now on the chunk cannot be read. */
  damage(piece: Buffer): void;
  /** Called before each read. */
  onRead: (() => void) | undefined;
}

export function memoryChunks(...cuts: readonly CutImage[]): MemoryChunks {
  const plain = new Map<string, Buffer>();
  for (const { pieces, algorithm } of cuts) {
    for (const piece of pieces) plain.set(digestBy(algorithm, piece).toString('hex'), piece);
  }
  const reads: string[] = [];
  const store: MemoryChunks = {
    reads,
    onRead: undefined,
    damage(piece) {
      for (const [name, bytes] of plain) if (bytes.equals(piece)) plain.delete(name);
    },
    async read({ digest, lengthBytes }) {
      store.onRead?.();
      await new Promise(setImmediate);
      const bytes = plain.get(digest.toString('hex'));
      if (bytes?.length !== lengthBytes) {
        throw new KgetError('corrupt', 'Cannot read chunk: it is missing');
      }
      reads.push(digest.toString('hex'));
      return Buffer.from(bytes);
    },
    packedBytes: (digest) => plain.get(digest.toString('hex'))?.length,
  };
  return store;
}
