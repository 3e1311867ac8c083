import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import type { ChunkPlacer } from './chunk-placer.ts';
import { digestOf } from './digest.ts';
import { type ChunkRun, DIGEST_BYTES, type ImageShape, type Landing } from './image.ts';
import { createSummarizer, type ImageSummary } from './image-summary.ts';
import type { IndexWriter } from './index-writer.ts';
import { createLandingTurns } from './landing-turns.ts';
import { storeFailure } from './room.ts';
import { settleChunks } from './settle-chunks.ts';
import { chunkCountOf, chunkLengthAt } from './shape.ts';
import { createWantedChunks, type WantedChunk } from './wanted-chunks.ts';

/** A landing that lasts: it makes a file with its index beside it, or a snapshot in a store. */
export interface ImageLanding extends Landing {
  /**
   * Makes the image durable and gives it its name; every chunk must have been settled or written.
   * @throws KgetError `no-room`, `target-unwritable`
   */
  finish(): Promise<ImageSummary>;
  /**
   * Gives the image up, unless it is finished: what has arrived is kept for another try into the
   * same place, or removed. Idempotent. A call of `settle` that is under way throws `cancelled`; one
   * of `finish` is waited for. @throws KgetError `target-unwritable`
   */
  abandon(options: { readonly keepPart: boolean }): Promise<void>;
}

/** Where an image lands. Its errors are the system's. */
export interface LandingPlace {
  readonly shape: ImageShape;
  /** The image in error messages, e.g. `image "disk.qcow2" from node07`. */
  readonly title: string;
  readonly directory: string;
  /** What the image will take on disk, as far as is known. */
  readonly neededBytes: number;
  readonly placer: ChunkPlacer;
  readonly index: IndexWriter;
  /** Resolves when not too much is on its way to the disk. */
  ready(): Promise<void>;
  /** Makes the chunks durable, ends the index, and gives the image its name. */
  publish(): Promise<void>;
  /** Ends without the image. Idempotent. */
  abandon(options: { readonly keepPart: boolean }): Promise<void>;
}

/** Begins to land an image. */
export function createLanding(place: LandingPlace): ImageLanding {
  const { shape, title, directory, placer, index } = place;
  const summary = createSummarizer(shape);
  const wanted = createWantedChunks(shape);
  const turns = createLandingTurns(title);
  let next = 0;

  function failed(error: unknown): unknown {
    const neededBytes = Math.max(place.neededBytes - placer.doneBytes(), 0);
    return storeFailure(error, { title, directory, neededBytes });
  }
  async function settle(first: number, digests: Buffer): Promise<readonly ChunkRun[]> {
    assert(first === next, `chunk ${first} settled out of turn`);
    next += digests.length / DIGEST_BYTES;
    assert(Number.isInteger(next) && next <= chunkCountOf(shape), `${next} chunks settled`);
    await place.ready();
    turns.confirmOpen();
    const runs = await settleChunks({ placer, wanted, turns }, first, digests);
    summary.append(digests);
    index.append(digests);
    return runs;
  }
  async function finish(): Promise<ImageSummary> {
    assert(next === chunkCountOf(shape), `finished after ${next} chunks`);
    assert(wanted.size() === 0, `finished while ${wanted.size()} chunks were missing`);
    await placer.idle();
    await place.publish();
    return summary.finish();
  }
  const fail = (error: unknown): never => {
    throw failed(error);
  };
  return {
    settle: (first, digests) => turns.run(() => settle(first, digests)).catch(fail),
    write(position, fetched) {
      turns.confirmOpen();
      const chunk = wanted.get(position);
      const lengthBytes = chunkLengthAt(shape, position);
      verify(chunk, fetched.bytes, { position, title, lengthBytes });
      try {
        for (const at of chunk.positions) placer.write(at, chunk.digest, fetched);
      } catch (error) {
        throw failed(error);
      }
      wanted.remove(position);
    },
    doneBytes: () => placer.doneBytes(),
    finish: () => turns.finish(finish).catch(fail),
    async abandon(options) {
      if ((await turns.end()) === 'finished') return;
      await placer.idle().catch(() => {});
      await place.abandon(options).catch(fail);
    },
  };
}

function verify(
  chunk: WantedChunk | undefined,
  bytes: Uint8Array,
  place: { readonly position: number; readonly title: string; readonly lengthBytes: number },
): asserts chunk is WantedChunk {
  const what = `Cannot store chunk ${place.position} of ${place.title}`;
  if (chunk === undefined) {
    throw new KgetError('protocol', `${what}: found a chunk that was not asked for`);
  }
  if (bytes.length !== place.lengthBytes) {
    const sizes = `found ${bytes.length} B, wanted ${place.lengthBytes} B`;
    throw new KgetError('corrupt', `${what}: ${sizes}`);
  }
  const found = digestOf(bytes);
  if (!found.equals(chunk.digest)) {
    const digests = `found ${found.toString('hex')}, wanted ${chunk.digest.toString('hex')}`;
    throw new KgetError('corrupt', `${what}: ${digests}`);
  }
}
