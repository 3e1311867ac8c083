import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { KgetError } from '../../base/error.ts';
import { noteArrivals } from '../../content/arrivals.ts';
import { readPieces } from '../../content/file-bytes.ts';
import {
  DIGEST_BYTES,
  type ImageShape,
  type Landing,
  type ServedImage,
} from '../../content/image.ts';
import { readDigests } from '../../content/index-entries.ts';
import { createIndexWaiters } from '../../content/index-waiters.ts';
import { createIndexWriter, type IndexWriter } from '../../content/index-writer.ts';
import type { OpenFiles } from '../../content/open-files.ts';
import { partPathOf } from '../../content/part-file.ts';
import { indexPathOf } from '../../content/seed-file.ts';
import { chunkCountOf } from '../../content/shape.ts';
import { recentFrames } from './recent-frames.ts';

/**
 * An image that is given to others while it comes. Its digests go on at once, each chunk when it is
 * verified and in the part file; so a chain of nodes lags by about one chunk each. It outlives the
 * failure of whom it comes from: the next try goes on with it.
 */
export interface Relay {
  readonly image: ServedImage;
  /** A landing that tells the relay what passes through it. For one try at a time. */
  through(landing: Landing): Landing;
  /** The chunk at `position` can be read. */
  arrived(position: number): void;
  /** The digest of the image as its sender told it; undefined while digests are missing. */
  toldDigest(): string | undefined;
  /** The image lies under its final name, with its index. */
  finished(): void;
  /** The image will not come. */
  fail(failure: KgetError): void;
}

export interface RelayOptions {
  /** The final path of the image. */
  readonly path: string;
  readonly shape: ImageShape;
  readonly title: string;
  /** For a file of digests, which has no name any more when this returns. */
  readonly scratchPath: string;
  readonly files: OpenFiles;
}

type State = 'coming' | 'here' | 'failed';

/** @throws Error the system's */
export function openRelay(options: RelayOptions): Relay {
  const { path, shape, title, scratchPath, files } = options;
  const chunkCount = chunkCountOf(shape);
  const digests: IndexWriter = createIndexWriter(scratchPath, shape);
  rmSync(scratchPath);
  const waiters = createIndexWaiters(indexPathOf(path));
  const arrivals = noteArrivals(shape, title);
  const frames = recentFrames();
  let state: State = 'coming';

  function told(first: number, packed: Buffer): void {
    const known = digests.count();
    const old = Math.min(known - first, packed.length / DIGEST_BYTES);
    if (old > 0 && !digests.read(first, old).equals(packed.subarray(0, old * DIGEST_BYTES))) {
      throw new KgetError(
        'corrupt',
        `Cannot take ${title} in: one sender told other digests than another; start again`,
      );
    }
    digests.append(packed.subarray(Math.max(old, 0) * DIGEST_BYTES));
    waiters.wake(digests.count());
  }

  function readIndex(first: number, count: number): Buffer {
    if (state === 'failed') throw gone();
    if (state === 'coming') return digests.read(first, count);
    const found = readDigests(files.descriptor(indexPathOf(path)), first, count);
    if (found?.length === count * DIGEST_BYTES) return found;
    throw new KgetError('corrupt', `Cannot use index ${indexPathOf(path)}: found it cut short`);
  }

  function gone(): KgetError {
    return new KgetError('source-unreadable', `Cannot serve ${title}: it did not arrive`);
  }

  /** While the part is being published it may have either name. */
  function descriptor(): number {
    if (state === 'here') return files.descriptor(path);
    try {
      return files.descriptor(partPathOf(path));
    } catch {
      return files.descriptor(path);
    }
  }

  const image: ServedImage = {
    shape,
    arrivals,
    index: {
      chunkCount,
      known: () => (state === 'here' ? chunkCount : digests.count()),
      read: readIndex,
      async waitFor(position, signal) {
        if (state === 'here' || position < digests.count()) return;
        await waiters.wait(position, signal);
      },
    },
    read(pieces, offset) {
      const wanted = pieces.reduce((sum, piece) => sum + piece.length, 0);
      const found = readFile(() => readPieces(descriptor(), pieces, offset), path);
      if (found === wanted) return;
      const end = `found its end at byte ${offset + found}, wanted ${wanted} B from ${offset}`;
      throw new KgetError('source-changed', `Cannot read ${path}: ${end}`);
    },
    packed: (position) => frames.get(position),
    confirmUnchanged() {
      if (state === 'failed') throw gone();
    },
  };

  function end(next: State): void {
    if (state !== 'coming') return;
    state = next;
    files.forget(partPathOf(path));
    digests.close();
    frames.clear();
  }

  return {
    image,
    through: (landing) => ({
      async settle(first, packed) {
        told(first, packed);
        return landing.settle(first, packed);
      },
      write(position, chunk) {
        landing.write(position, chunk);
        if (chunk.packed !== undefined) frames.put(position, chunk.packed);
      },
      doneBytes: () => landing.doneBytes(),
    }),
    arrived: (position) => arrivals.arrived(position),
    toldDigest: () => (digests.count() === chunkCount ? digestOfAll(digests) : undefined),
    finished() {
      end('here');
      arrivals.allArrived();
      waiters.wake(chunkCount);
    },
    fail(failure) {
      if (state !== 'coming') return;
      end('failed');
      waiters.fail(failure);
      arrivals.fail(failure);
    },
  };
}

/** Digests that are hashed at once: 1 MiB. */
const HASHED_DIGESTS = 32_768;

function digestOfAll(digests: IndexWriter): string {
  const hash = createHash('sha256');
  for (let first = 0; first < digests.count(); first += HASHED_DIGESTS) {
    hash.update(digests.read(first, Math.min(HASHED_DIGESTS, digests.count() - first)));
  }
  return hash.digest('hex');
}

function readFile(read: () => number, path: string): number {
  try {
    return read();
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new KgetError('source-unreadable', `Cannot read ${path}: ${found}`, { cause });
  }
}
