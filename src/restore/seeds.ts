import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { KgetError, toFailure } from '../base/error.ts';
import { type BlobIndex, type IndexedChunk, openBlobIndex } from '../content/blob-index.ts';
import type { DigestAlgorithm } from '../content/digest-algorithm.ts';
import { createDigestMap, type DigestMap } from '../content/digest-map.ts';
import { pause } from '../content/pause.ts';
import { indexPathOf } from '../content/seed-file.ts';
import { hasDigest, readRange } from './file-pieces.ts';
import { chunkBatches } from '../content/chunk-batches.ts';

/** Chunks of seeds whose places are remembered: 64 MiB of memory, 512 GiB at 128 KiB. */
const MAX_PLACES = 4 * 1024 * 1024;

/** An older copy of an image: a file, and the index beside it, if there is a good one. */
export interface Seed {
  readonly path: string;
  readonly fd: number;
  readonly device: number;
  readonly index: BlobIndex | undefined;
}

/** Local files that chunks are taken from. Nothing that they hold is believed unverified. */
export interface Seeds {
  readonly all: readonly Seed[];
  /** The verified bytes of a chunk; undefined if no seed has them. */
  find(chunk: IndexedChunk): Promise<Buffer<ArrayBuffer> | undefined>;
  close(): void;
}

/**
 * Opens the files at `paths` as seeds for an image whose digests are of the kind `algorithm`.
 * @throws KgetError `usage` for one that is no readable file
 */
export async function openSeeds(
  paths: readonly string[],
  algorithm: DigestAlgorithm,
): Promise<Seeds> {
  const all: Seed[] = [];
  const places = createDigestMap({ maxSlots: MAX_PLACES, isLive: () => true });
  const close = (): void => {
    for (const { fd, index } of all.splice(0)) {
      index?.close();
      closeSync(fd);
    }
  };
  try {
    for (const path of paths) {
      const seed = await openSeed(path, algorithm);
      all.push(seed);
      await remember(places, seed.index, all.length);
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    all,
    async find(chunk) {
      const place = places.get(chunk.digest);
      const indexed = place === undefined ? undefined : all[place.file - 1];
      if (place !== undefined && indexed?.index !== undefined) {
        const [there] = indexed.index.read(place.position, 1);
        const bytes = there && (await verified(indexed, chunk, there.offset));
        if (bytes !== undefined) return bytes;
      }
      for (const seed of all.filter(({ index }) => index === undefined)) {
        const bytes = await verified(seed, chunk, chunk.offset);
        if (bytes !== undefined) return bytes;
      }
      return undefined;
    },
    close,
  };
}

/** The bytes at `offset` of a seed, if they are the chunk; a seed that fails has nothing. */
export async function verified(
  seed: Seed,
  chunk: IndexedChunk,
  offset: number,
): Promise<Buffer<ArrayBuffer> | undefined> {
  try {
    const bytes = await readRange(seed.fd, { offset, length: chunk.lengthBytes });
    if (bytes.length < chunk.lengthBytes) return undefined;
    return (await hasDigest(bytes, chunk)) ? bytes : undefined;
  } catch {
    return undefined;
  }
}

async function openSeed(path: string, algorithm: DigestAlgorithm): Promise<Seed> {
  let fd: number;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unusable(path, toFailure(error).message, error);
  }
  const stat = fstatSync(fd);
  if (!stat.isFile()) {
    closeSync(fd);
    throw unusable(path, 'found something else than a regular file');
  }
  const index = await indexBeside(path, { sizeBytes: stat.size, algorithm });
  return { path, fd, device: stat.dev, index };
}

/** The index beside a file, if it may be of that file and names chunks as is wanted. */
async function indexBeside(
  path: string,
  wanted: { readonly sizeBytes: number; readonly algorithm: DigestAlgorithm },
): Promise<BlobIndex | undefined> {
  try {
    const index = await openBlobIndex(indexPathOf(path));
    const { sizeBytes, algorithm } = index;
    if (sizeBytes === wanted.sizeBytes && algorithm === wanted.algorithm) return index;
    index.close();
  } catch {
    // Without an index the file is looked at chunk by chunk.
  }
  return undefined;
}

async function remember(
  places: DigestMap,
  index: BlobIndex | undefined,
  file: number,
): Promise<void> {
  if (index === undefined) return;
  let position = 0;
  for (const batch of chunkBatches(index)) {
    for (const { digest } of batch) {
      places.put(digest, { file, position });
      position += 1;
    }
    await pause();
  }
}

function unusable(path: string, found: string, cause?: unknown): KgetError {
  return new KgetError(
    'usage',
    `Cannot use ${path} as a seed: ${found}; wanted an older copy of the image, or none`,
    { cause },
  );
}
