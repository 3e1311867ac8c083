import { KgetError } from '../base/error.ts';
import type { BlobIndex, IndexedChunk } from '../content/blob-index.ts';
import { isZero } from '../content/digest.ts';
import type { PacedSync } from '../content/paced-sync.ts';
import { pause } from '../content/pause.ts';
import type { ChunkReader } from '../store/chunk-reader.ts';
import { dataBlocks } from './data-blocks.ts';
import { hasDigest, readRange, writeRange } from './file-pieces.ts';
import { createFlight } from './flight.ts';
import type { LeftData } from './left-data.ts';
import { readChunk } from './read-chunk.ts';
import type { Seeds } from './seeds.ts';
import { chunkBatches } from '../content/chunk-batches.ts';
import type { ZeroTeller } from '../content/zero-chunks.ts';

export interface FillOptions {
  /** Of the part file, which has the length of the image. */
  readonly fd: number;
  /** Where the part may hold data already. */
  readonly left: LeftData;
  readonly sync: PacedSync;
  readonly index: BlobIndex;
  readonly zeros: ZeroTeller;
  readonly seeds: Seeds;
  readonly chunks: ChunkReader;
  /** The snapshot, for messages. */
  readonly title: string;
  readonly signal: AbortSignal;
  onProgress?(doneBytes: number): void;
}

/** Bytes of chunks, by where they were found. */
export interface Counts {
  readonly writtenBytes: number;
  readonly seededBytes: number;
}

/**
 * Brings a part file to the contents of an image: keeps the chunks that are in it, takes others
 * from seeds, and the rest from the store. All writing has ended when it returns or throws.
 * @throws KgetError `corrupt`, `source-unreadable`, `cancelled`; Error the system's, for the file
 */
export async function fillPart(options: FillOptions): Promise<Counts> {
  const { index, zeros, left, sync, signal, title } = options;
  const flight = createFlight();
  const turns = createTurns();
  const counts = { writtenBytes: 0, seededBytes: 0 };
  let doneBytes = 0;
  const done = ({ lengthBytes }: IndexedChunk): void => {
    doneBytes += lengthBytes;
    options.onProgress?.(doneBytes);
  };
  async function settle(chunk: IndexedChunk, mayBeLeft: boolean): Promise<void> {
    const found = await settleChunk({ ...options, turns }, chunk, mayBeLeft);
    if (found === 'store') counts.writtenBytes += chunk.lengthBytes;
    if (found === 'seed') counts.seededBytes += chunk.lengthBytes;
    done(chunk);
  }
  try {
    for (const batch of chunkBatches(index)) {
      for (const chunk of batch) {
        const mayBeLeft = await left.mayBeIn(chunk.offset, chunk.offset + chunk.lengthBytes);
        if (signal.aborted) throw stopped(title);
        if (zeros(chunk) && !mayBeLeft) {
          done(chunk);
          continue;
        }
        await sync.ready();
        await flight.launch(2 * chunk.lengthBytes, () => settle(chunk, mayBeLeft));
      }
      await pause();
    }
    await flight.land();
    if (signal.aborted) throw stopped(title);
    return counts;
  } finally {
    await flight.settle();
  }
}

/** Settles one chunk of data, or of zeros where the part may have data; where it was found. */
async function settleChunk(
  options: FillOptions & { readonly turns: Turns },
  chunk: IndexedChunk,
  mayBeLeft: boolean,
): Promise<'zeros' | 'seed' | 'store'> {
  const { fd, zeros, seeds, sync } = options;
  const { offset, lengthBytes } = chunk;
  const left = mayBeLeft ? await readRange(fd, { offset, length: lengthBytes }) : undefined;
  if (zeros(chunk)) {
    if (left !== undefined && !isZero(left)) await put(left.fill(0));
    return 'zeros';
  }
  if (left?.length === lengthBytes && (await hasDigest(left, chunk))) return 'seed';
  const seeded = seeds.all.length === 0 ? undefined : await seeds.find(chunk);
  await put(seeded ?? (await readChunk(options, chunk)));
  return seeded === undefined ? 'store' : 'seed';

  function put(bytes: Buffer): Promise<void> {
    // A hole may stay one only where nothing lies in the way.
    const ranges = mayBeLeft ? [{ offset: 0, length: bytes.length }] : dataBlocks(bytes, offset);
    return options.turns.take(async () => {
      for (const range of ranges) {
        const piece = bytes.subarray(range.offset, range.offset + range.length);
        await writeRange(fd, piece, offset + range.offset);
        sync.wrote(range.length);
      }
    });
  }
}

/** Lets one write at a time to the file: several would wait for its lock, and burn processors. */
interface Turns {
  take(write: () => Promise<void>): Promise<void>;
}

function createTurns(): Turns {
  let last = Promise.resolve();
  return {
    take(write) {
      const turn = last.then(write);
      // Whoever took the turn hears of its failure; the next one goes on.
      last = turn.catch(() => {});
      return turn;
    },
  };
}

/** The end of work that was interrupted. */
export function stopped(title: string): KgetError {
  return new KgetError('cancelled', `Cannot go on with ${title}: stopped on request`);
}
