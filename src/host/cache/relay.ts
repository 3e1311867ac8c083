import { KgetError } from '../../base/error.ts';
import { noteArrivals } from '../../content/arrivals.ts';
import { readPieces } from '../../content/file-bytes.ts';
import type { ImageShape, Landing, ServedImage } from '../../content/image.ts';
import type { OpenFiles } from '../../content/open-files.ts';
import { partPathOf } from '../../content/part-file.ts';
import { indexPathOf } from '../../content/seed-file.ts';
import { recentFrames } from './recent-frames.ts';
import { openRelayIndex } from './relay-index.ts';

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

/** @throws Error the system's */
export function openRelay(options: RelayOptions): Relay {
  const { path, shape, title, files } = options;
  const index = openRelayIndex({ ...options, indexPath: indexPathOf(path) });
  const arrivals = noteArrivals(shape, title);
  const frames = recentFrames();
  let state: 'coming' | 'here' | 'failed' = 'coming';

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
    index,
    read(pieces, offset) {
      const wanted = pieces.reduce((sum, piece) => sum + piece.length, 0);
      const found = readFile(() => readPieces(descriptor(), pieces, offset), path);
      if (found === wanted) return;
      const lacking = `found its end at byte ${offset + found}, wanted ${wanted} B from ${offset}`;
      throw new KgetError('source-changed', `Cannot read ${path}: ${lacking}`);
    },
    packed: (position) => frames.get(position),
    confirmUnchanged() {
      if (state !== 'failed') return;
      throw new KgetError('source-unreadable', `Cannot serve ${title}: it did not arrive`);
    },
  };

  return {
    image,
    through: (landing) => ({
      async settle(first, packed) {
        index.told(first, packed);
        return landing.settle(first, packed);
      },
      write(position, chunk) {
        landing.write(position, chunk);
        if (chunk.packed !== undefined) frames.put(position, chunk.packed);
      },
      doneBytes: () => landing.doneBytes(),
    }),
    arrived: (position) => arrivals.arrived(position),
    toldDigest: () => index.digest(),
    finished() {
      state = 'here';
      files.forget(partPathOf(path));
      frames.clear();
      index.finish();
      arrivals.allArrived();
    },
    fail(failure) {
      state = 'failed';
      files.forget(partPathOf(path));
      frames.clear();
      index.fail(failure);
      arrivals.fail(failure);
    },
  };
}

function readFile(read: () => number, path: string): number {
  try {
    return read();
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new KgetError('source-unreadable', `Cannot read ${path}: ${found}`, { cause });
  }
}
