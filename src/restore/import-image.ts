import { closeSync, constants, fstatSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { KgetError, toFailure } from '../base/error.ts';
import { digestBy } from '../content/digest-algorithm.ts';
import { zeroDigests } from '../content/digest.ts';
import { makeDirectory } from '../content/durable.ts';
import { dataRuns } from '../content/extents.ts';
import type { ImageShape } from '../content/image.ts';
import { createIndexWriter } from '../content/index-writer.ts';
import { partPathOf } from '../content/part-file.ts';
import { chunkCountOf, chunkLengthAt } from '../content/shape.ts';
import { compressAside } from '../content/zstd.ts';
import { publishIndex } from '../store/publish-index.ts';
import { readRange } from './file-pieces.ts';
import { stopped } from './fill-part.ts';
import { inOrder } from './in-order.ts';
import type { ImportOptions } from './import-options.ts';

export interface FileImport extends ImportOptions {
  /** The image file. */
  readonly path: string;
  readonly chunkSizeBytes: number;
  /** How hard chunks are compressed: a level of zstd. */
  readonly level: number;
}

/**
 * Puts an image file into a store as it is, byte for byte: its chunks, then its index.
 * @throws KgetError `source-unreadable`, `source-changed`, `cancelled`; Error the system's, for the
 * store
 */
export async function importFile(options: FileImport): Promise<void> {
  const { path, chunkSizeBytes, signal, indexPath, writer } = options;
  const fd = openImage(path);
  try {
    const before = fstatSync(fd, { bigint: true });
    if (!before.isFile()) throw unreadable(path, 'found something else than a regular file');
    const shape = { sizeBytes: Number(before.size), chunkSizeBytes };
    options.onBegin?.(shape.sizeBytes);
    const part = partPathOf(indexPath);
    await makeDirectory(dirname(indexPath));
    const index = createIndexWriter(part, shape);
    try {
      let doneBytes = 0;
      const pieces = piecesOf(path, shape, signal);
      const stored = inOrder(pieces, (piece) => storePiece({ ...options, fd, shape }, piece));
      for await (const { digests, lengthBytes } of stored) {
        await writer.ready();
        index.append(digests);
        options.onProgress?.((doneBytes += lengthBytes));
      }
      const after = fstatSync(fd, { bigint: true });
      if (after.mtimeNs !== before.mtimeNs || after.size !== before.size) throw changed(path);
      await index.finish();
      await publishIndex({ ...options, partPath: part });
    } finally {
      index.close();
      rmSync(part, { force: true });
    }
  } finally {
    closeSync(fd);
  }
}

/** Neighbouring chunks: one that may hold data, or several in a hole. */
interface Piece {
  readonly first: number;
  readonly count: number;
  readonly isHole: boolean;
  /** Memory that it takes. */
  readonly lengthBytes: number;
}

/** Chunks in a hole that are noted at once. */
const HOLE_CHUNKS = 4096;

async function* piecesOf(
  path: string,
  shape: ImageShape,
  signal: AbortSignal,
): AsyncGenerator<Piece, void, void> {
  let next = 0;
  for await (const { first, count } of dataRuns(path, shape, { signal })) {
    yield* holes(next, first);
    next = first + count;
    for (let at = first; at < next; at += 1) {
      yield { first: at, count: 1, isHole: false, lengthBytes: chunkLengthAt(shape, at) };
    }
  }
  yield* holes(next, chunkCountOf(shape));
}

function* holes(from: number, to: number): Generator<Piece, void, void> {
  for (let first = from; first < to; first += HOLE_CHUNKS) {
    yield { first, count: Math.min(HOLE_CHUNKS, to - first), isHole: true, lengthBytes: 0 };
  }
}

async function storePiece(
  work: FileImport & { readonly fd: number; readonly shape: ImageShape },
  { first, count, isHole }: Piece,
): Promise<{ readonly digests: Buffer; readonly lengthBytes: number }> {
  const { fd, shape, signal, path } = work;
  if (signal.aborted) throw stopped(`image ${path}`);
  const last = chunkLengthAt(shape, first + count - 1);
  const lengthBytes = (count - 1) * shape.chunkSizeBytes + last;
  if (isHole) return { digests: await storeZeros(work, first, count), lengthBytes };
  const bytes = await readRange(fd, { offset: first * shape.chunkSizeBytes, length: last });
  if (bytes.length < last) throw changed(path);
  const digest = digestBy('sha256', bytes);
  await storeChunk(work, digest, bytes);
  return { digests: digest, lengthBytes };
}

/** The digests of chunks of zeros, which are put into the store, too. */
async function storeZeros(
  work: FileImport & { readonly shape: ImageShape },
  first: number,
  count: number,
): Promise<Buffer> {
  const zeros = zeroDigests(work.shape);
  const digests: Buffer[] = [];
  for (const position of new Set([first, first + count - 1])) {
    const zeroBytes = Buffer.alloc(chunkLengthAt(work.shape, position));
    await storeChunk(work, zeros.at(position), zeroBytes);
  }
  for (let at = first; at < first + count; at += 1) digests.push(zeros.at(at));
  return Buffer.concat(digests);
}

async function storeChunk(work: FileImport, digest: Buffer, bytes: Buffer): Promise<void> {
  if (work.writer.has(digest)) return;
  work.writer.put(digest, await compressAside(bytes, work.level));
}

function openImage(path: string): number {
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, toFailure(error).message, error);
  }
}

function unreadable(path: string, found: string, cause?: unknown): KgetError {
  return new KgetError('source-unreadable', `Cannot import ${path}: ${found}`, { cause });
}

function changed(path: string): KgetError {
  return new KgetError('source-changed', `Cannot import ${path}: it changed while it was read`);
}
