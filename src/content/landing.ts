import { dirname } from 'node:path';
import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import { createChunkPlacer } from './chunk-placer.ts';
import { digestOf } from './digest.ts';
import { type ChunkRun, DIGEST_BYTES, type Landing } from './image.ts';
import { createSummarizer, type ImageSummary } from './image-summary.ts';
import { createLandingTurns } from './landing-turns.ts';
import { createPacedSync } from './paced-sync.ts';
import { openPart, type PartOptions } from './part-file.ts';
import { storeFailure } from './room.ts';
import type { SeedTable } from './seed-table.ts';
import { settleChunks } from './settle-chunks.ts';
import { chunkCountOf, chunkLengthAt } from './shape.ts';
import { createWantedChunks, type WantedChunk } from './wanted-chunks.ts';

/** A landing that makes a file with its index beside it. */
export interface FileLanding extends Landing {
  /**
   * Makes the image durable and gives it its name; every chunk must have been settled or written.
   * From then on it is a seed under that name. @throws KgetError `no-room`, `target-unwritable`
   */
  finish(): Promise<ImageSummary>;
  /**
   * Gives the image up, unless it is finished: what has arrived is kept for another try into the
   * same path, or removed. Idempotent. A call of `settle` that is under way throws `cancelled`; one
   * of `finish` is waited for. @throws KgetError `target-unwritable`
   */
  abandon(options: { readonly keepPart: boolean }): Promise<void>;
}

export interface LandingOptions extends PartOptions {
  /** The agent's table: chunks are taken from it, and those of this image join it. */
  readonly seeds: SeedTable;
}

/**
 * Begins to land an image in a sparse file beside `path`; what an earlier try has left there is
 * used. Only one landing may be open for a path. @throws KgetError `no-room`, `target-unwritable`
 */
export async function openLanding(options: LandingOptions): Promise<FileLanding> {
  const { path, shape, seeds, title } = options;
  const part = await openPart(options);
  const sync = createPacedSync(part.fd);
  const placer = createChunkPlacer({ part, shape, seeds, sync });
  const summary = createSummarizer(shape);
  const wanted = createWantedChunks(shape.chunkSizeBytes);
  const turns = createLandingTurns(title);
  let next = 0;

  function failed(error: unknown): unknown {
    const neededBytes = (options.neededBytes ?? shape.sizeBytes) - placer.doneBytes();
    const directory = dirname(path);
    return storeFailure(error, { title, directory, neededBytes: Math.max(neededBytes, 0) });
  }
  async function settle(first: number, digests: Buffer): Promise<readonly ChunkRun[]> {
    assert(first === next, `chunk ${first} settled out of turn`);
    next += digests.length / DIGEST_BYTES;
    assert(Number.isInteger(next) && next <= chunkCountOf(shape), `${next} chunks settled`);
    await sync.ready();
    turns.confirmOpen();
    const runs = await settleChunks({ placer, wanted, turns }, first, digests);
    summary.append(digests);
    part.index.append(digests);
    return runs;
  }
  async function finish(): Promise<ImageSummary> {
    assert(next === chunkCountOf(shape), `finished after ${next} chunks`);
    assert(wanted.size() === 0, `finished while ${wanted.size()} chunks were missing`);
    await placer.idle();
    await sync.finish();
    await part.index.finish();
    // The next image is settled meanwhile, and must not fetch again what is here.
    await part.publish(() => seeds.renameFile(part.path, path));
    return summary.finish();
  }
  const fail = (error: unknown): never => {
    throw failed(error);
  };
  return {
    settle: (first, digests) => turns.run(() => settle(first, digests)).catch(fail),
    write(position, bytes) {
      turns.confirmOpen();
      const chunk = wanted.get(position);
      verify(chunk, bytes, { position, title, lengthBytes: chunkLengthAt(shape, position) });
      try {
        for (const place of chunk.positions) placer.write(place, chunk.digest, bytes);
      } catch (error) {
        throw failed(error);
      }
      wanted.remove(position);
    },
    doneBytes: () => placer.doneBytes(),
    finish: () => turns.finish(finish).catch(fail),
    async abandon({ keepPart }) {
      if ((await turns.end()) === 'finished') return;
      await placer.idle().catch(() => {});
      await sync.idle();
      if (!keepPart) seeds.forgetFile(part.path);
      await part.abandon({ keepPart }).catch(fail);
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
