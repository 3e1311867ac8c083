import { digestOf, type ZeroDigests, zeroDigests } from './digest.ts';
import { createDigestMap } from './digest-map.ts';
import { type ByteRange, readFully } from './file-bytes.ts';
import { DIGEST_BYTES, type ImageShape } from './image.ts';
import type { StoredIndex } from './index-reader.ts';
import type { OpenFiles } from './open-files.ts';
import { pause } from './pause.ts';
import { chunkLengthAt } from './shape.ts';

/** Chunks that an agent remembers the place of: 64 MiB of memory, 512 GiB of images at 128 KiB. */
const MAX_SEED_CHUNKS = 4 * 1024 * 1024;

/** Files that an agent uses as seeds in its life; further ones are not used. */
const MAX_SEED_FILES = 65_536;

/** Digests of a finished index that are loaded between two pauses. */
const LOADED_DIGESTS = 4096;

/** One file of a seed table. */
export interface SeedFile {
  /** Tells that the chunk at `position` of the file has `digest`; zero chunks are passed over. */
  add(position: number, digest: Buffer): void;
}

/**
 * Where chunks lie in local files, by digest: one table for all that an agent scans, receives and
 * keeps. It only remembers; what is read is verified, so that a file which has changed is no harm.
 */
export interface SeedTable {
  /** Begins (again) to use the file at `path` as a seed. Nothing is known of it yet. */
  addFile(path: string, shape: ImageShape): SeedFile;
  /** Uses the file at `path` with all chunks of its index. @throws KgetError `corrupt` */
  addIndexed(path: string, index: StoredIndex): Promise<void>;
  /** The file at `from` has been renamed to `to`, in place of what was there. */
  renameFile(from: string, to: string): void;
  /** Stops to use `path`. */
  forgetFile(path: string): void;
  /** True if some seed seems to have the chunk. */
  find(digest: Buffer): boolean;
  /**
   * Reads the chunk into the start of `into`. False if no seed has a chunk of that length and
   * digest; `into` may be overwritten all the same.
   */
  read(digest: Buffer, lengthBytes: number, into: Buffer): boolean;
}

interface Seed {
  path: string;
  readonly shape: ImageShape;
  readonly zeros: ZeroDigests;
}

/** An empty seed table that reads its files through `files`. */
export function createSeedTable(files: OpenFiles, maxChunks = MAX_SEED_CHUNKS): SeedTable {
  /** By number, from 1 on; numbers are not used again, so old entries cannot name new files. */
  const seeds: (Seed | undefined)[] = [undefined];
  const numbers = new Map<string, number>();
  const map = createDigestMap({ maxSlots: maxChunks, isLive: (file) => seeds[file] !== undefined });

  function forgetFile(path: string): void {
    files.forget(path);
    const number = numbers.get(path);
    if (number === undefined) return;
    numbers.delete(path);
    seeds[number] = undefined;
  }
  function addFile(path: string, shape: ImageShape): SeedFile {
    forgetFile(path);
    if (seeds.length > MAX_SEED_FILES) return { add: () => undefined };
    const seed: Seed = { path, shape, zeros: zeroDigests(shape) };
    const file = seeds.push(seed) - 1;
    numbers.set(path, file);
    return {
      add(position, digest) {
        if (!seed.zeros.at(position).equals(digest)) map.put(digest, { file, position });
      },
    };
  }
  return {
    addFile,
    async addIndexed(path, index) {
      const file = addFile(path, index.shape);
      for (let first = 0; first < index.chunkCount; first += LOADED_DIGESTS) {
        const count = Math.min(LOADED_DIGESTS, index.chunkCount - first);
        const digests = index.read(first, count);
        for (let chunk = 0; chunk < count; chunk += 1) {
          const at = chunk * DIGEST_BYTES;
          file.add(first + chunk, digests.subarray(at, at + DIGEST_BYTES));
        }
        await pause();
      }
    },
    renameFile(from, to) {
      forgetFile(to);
      files.forget(from);
      const number = numbers.get(from);
      const seed = number === undefined ? undefined : seeds[number];
      if (number === undefined || seed === undefined) return;
      numbers.delete(from);
      numbers.set(to, number);
      seed.path = to;
    },
    forgetFile,
    find: (digest) => map.get(digest) !== undefined,
    read(digest, lengthBytes, into) {
      const place = map.get(digest);
      const seed = place === undefined ? undefined : seeds[place.file];
      if (place === undefined || seed === undefined) return false;
      if (chunkLengthAt(seed.shape, place.position) !== lengthBytes) return false;
      const offset = place.position * seed.shape.chunkSizeBytes;
      const found = readRange(files, seed.path, into, { offset, length: lengthBytes });
      return found && digestOf(into.subarray(0, lengthBytes)).equals(digest);
    },
  };
}

/** Reads a range of a file into the start of `into`; false if it is not all there. */
function readRange(files: OpenFiles, path: string, into: Buffer, range: ByteRange): boolean {
  try {
    return readFully(files.descriptor(path), into, range) === range.length;
  } catch {
    // A seed that cannot be read is no seed: the chunk is fetched instead.
    return false;
  }
}
