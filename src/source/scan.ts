import { closeSync } from 'node:fs';
import { assert } from '../base/assert.ts';
import { KgetError, toFailure } from '../base/error.ts';
import type { Sketch } from '../base/sketch.ts';
import { digestOf, isZero, zeroDigests } from '../content/digest.ts';
import { dataRuns } from '../content/extents.ts';
import type { GrowingIndex } from '../content/growing-index.ts';
import { type ChunkRun, DIGEST_BYTES, type ImageShape } from '../content/image.ts';
import { createSummarizer, type ImageSummary } from '../content/image-summary.ts';
import { pause } from '../content/pause.ts';
import type { SeedFile, SeedTable } from '../content/seed-table.ts';
import { chunkCountOf } from '../content/shape.ts';
import { createSketcher } from '../content/sketch.ts';
import { confirmIdentity, type FileIdentity, openSource, readSource } from './source-file.ts';

/** Bytes that are read and hashed between two pauses (one chunk, where chunks are larger). */
const READ_BYTES = 1024 * 1024;

/** Chunks in holes that are noted between two pauses. */
const HOLE_CHUNKS = 4096;

/** Files with more room allocated than this share of their size are read whole. */
const DENSE_SHARE = 0.98;

export interface ScanOptions {
  /** The file as it was looked at when its index was begun: `identify(path)`. */
  readonly identity: FileIdentity;
  /** Takes the digests; it is completed, or failed with what this function throws. */
  readonly index: GrowingIndex;
  /** Learns the chunks of the image, if given. */
  readonly seeds?: SeedTable;
  readonly signal: AbortSignal;
  /** Called now and then with what has been scanned so far. */
  onProgress?(progress: ScanProgress): void;
}

interface ScanProgress {
  /** Image bytes from the start, holes and zeros included. */
  readonly scannedBytes: number;
  /** Bytes in chunks that are not all zero. */
  readonly dataBytes: number;
}

/** What a scan finds. */
export interface ScannedImage extends ImageSummary {
  readonly sketch: Sketch;
}

/**
 * Reads an image once and appends the digests of its chunks to its index, skipping holes, and
 * confirms at the end that the file did not change meanwhile.
 * @throws KgetError `source-unreadable`, `source-changed`, `cancelled`; for the index `no-room` and
 * `target-unwritable`
 */
export async function scanImage(options: ScanOptions): Promise<ScannedImage> {
  try {
    const scanned = await scan(options);
    await options.index.complete();
    return scanned;
  } catch (error) {
    const { code, message } = toFailure(error);
    const failure =
      error instanceof KgetError ? error : new KgetError(code, message, { cause: error });
    options.index.fail(failure);
    throw failure;
  }
}

async function scan(options: ScanOptions): Promise<ScannedImage> {
  const { identity, index, signal } = options;
  const { path } = identity;
  const { shape } = index;
  assert(shape.sizeBytes === identity.sizeBytes, 'the index is of another size than the file');
  const fd = openSource(path);
  try {
    confirmIdentity(fd, identity);
    const digests = digester({ fd, path }, shape);
    const summary = createSummarizer(shape);
    const sketcher = createSketcher(shape);
    const seed = options.seeds?.addFile(path, shape);
    for await (const piece of pieces(identity, shape, signal)) {
      if (signal.aborted) throw cancelled(path);
      const found = piece.isHole ? digests.ofHole(piece) : digests.ofData(piece);
      summary.append(found);
      if (!piece.isHole) sketcher.append(found);
      if (!piece.isHole && seed !== undefined) addSeeds(seed, piece.first, found);
      index.append(found);
      const scannedBytes = Math.min(index.known() * shape.chunkSizeBytes, shape.sizeBytes);
      options.onProgress?.({ scannedBytes, dataBytes: summary.dataBytes() });
      await pause();
    }
    confirmIdentity(fd, identity);
    return { ...summary.finish(), sketch: sketcher.sketch() };
  } catch (error) {
    options.seeds?.forgetFile(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Chunks that are dealt with at once. */
interface Piece extends ChunkRun {
  readonly isHole: boolean;
}

/** All chunks of the file in order, cut into pieces that are soon dealt with. */
async function* pieces(
  identity: FileIdentity,
  shape: ImageShape,
  signal: AbortSignal,
): AsyncGenerator<Piece, void, void> {
  const dataChunks = Math.max(READ_BYTES / shape.chunkSizeBytes, 1);
  let next = 0;
  for await (const run of runs(identity, shape, signal)) {
    const end = run.first + run.count;
    yield* cut({ from: next, to: run.first, atMost: HOLE_CHUNKS, isHole: true });
    yield* cut({ from: run.first, to: end, atMost: dataChunks, isHole: false });
    next = end;
  }
  yield* cut({ from: next, to: chunkCountOf(shape), atMost: HOLE_CHUNKS, isHole: true });
}

async function* runs(
  identity: FileIdentity,
  shape: ImageShape,
  signal: AbortSignal,
): AsyncGenerator<ChunkRun, void, void> {
  const isSparse = identity.allocatedBytes < identity.sizeBytes * DENSE_SHARE;
  if (isSparse) yield* dataRuns(identity.path, shape, { signal });
  else yield { first: 0, count: chunkCountOf(shape) };
}

function* cut(run: {
  readonly from: number;
  readonly to: number;
  readonly atMost: number;
  readonly isHole: boolean;
}): Generator<Piece, void, void> {
  for (let first = run.from; first < run.to; first += run.atMost) {
    yield { first, count: Math.min(run.atMost, run.to - first), isHole: run.isHole };
  }
}

/** Finds the digests of runs of chunks, packed. */
function digester(source: { readonly fd: number; readonly path: string }, shape: ImageShape) {
  const zeros = zeroDigests(shape);
  const buffer = Buffer.allocUnsafe(Math.max(READ_BYTES, shape.chunkSizeBytes));
  const holeChunks = Math.min(HOLE_CHUNKS, chunkCountOf(shape));
  const hole = Buffer.alloc(holeChunks * DIGEST_BYTES, zeros.at(0));
  return {
    ofHole({ first, count }: ChunkRun): Buffer {
      const isLast = first + count === chunkCountOf(shape);
      if (!isLast) return hole.subarray(0, count * DIGEST_BYTES);
      // The last chunk of the image may be short.
      const digests = Buffer.from(hole.subarray(0, count * DIGEST_BYTES));
      zeros.at(first + count - 1).copy(digests, (count - 1) * DIGEST_BYTES);
      return digests;
    },
    ofData({ first, count }: ChunkRun): Buffer {
      const offset = first * shape.chunkSizeBytes;
      const length = Math.min(count * shape.chunkSizeBytes, shape.sizeBytes - offset);
      readSource(source, [buffer.subarray(0, length)], offset);
      const digests = Buffer.allocUnsafe(count * DIGEST_BYTES);
      for (let chunk = 0; chunk < count; chunk += 1) {
        const from = chunk * shape.chunkSizeBytes;
        const bytes = buffer.subarray(from, Math.min(from + shape.chunkSizeBytes, length));
        const digest = isZero(bytes) ? zeros.at(first + chunk) : digestOf(bytes);
        digest.copy(digests, chunk * DIGEST_BYTES);
      }
      return digests;
    },
  };
}

function addSeeds(seed: SeedFile, first: number, digests: Buffer): void {
  for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
    seed.add(first + at / DIGEST_BYTES, digests.subarray(at, at + DIGEST_BYTES));
  }
}

function cancelled(path: string): KgetError {
  return new KgetError('cancelled', `Cannot go on to scan ${path}: stopped on request`);
}
