import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ChunkPlacer } from '../content/chunk-placer.ts';
import { zeroDigests } from '../content/digest.ts';
import { makeDirectory } from '../content/durable.ts';
import type { ImageShape } from '../content/image.ts';
import { createIndexWriter, type IndexWriter } from '../content/index-writer.ts';
import { createLanding, type ImageLanding } from '../content/landing.ts';
import { partPathOf } from '../content/part-file.ts';
import { storeFailure } from '../content/room.ts';
import { chunkLengthAt } from '../content/shape.ts';
import { compress } from '../content/zstd.ts';
import { isPlainlyPacked } from '../content/zstd-frame.ts';
import type { ChunkWriter } from './chunk-writer.ts';
import { publishIndex } from './publish-index.ts';
import type { StorePlace } from './store-place.ts';

/** What it costs to ask the file system for a chunk, in bytes that could be hashed meanwhile. */
const LOOK_COST_BYTES = 8 * 1024;

export interface StoreLandingOptions {
  readonly place: StorePlace;
  readonly writer: ChunkWriter;
  /** The final path of the snapshot's index. */
  readonly indexPath: string;
  readonly shape: ImageShape;
  /** The image in error messages, e.g. `image "disk.qcow2" from node07`. */
  readonly title: string;
  /** What the image may take on disk: for what is said when there is no room. */
  readonly neededBytes: number;
  /** How chunks are compressed that did not come compressed. */
  readonly level: number;
}

/**
 * Begins to land an image in a store: its chunks, each of which is kept when it has come, whatever
 * becomes of the image; at last its index. Only one landing may be open for a path.
 * @throws KgetError `no-room`, `target-unwritable`
 */
export async function openStoreLanding(options: StoreLandingOptions): Promise<ImageLanding> {
  const { place, writer, indexPath, shape, title } = options;
  const { directory } = place;
  const partPath = partPathOf(indexPath);
  const index = await openIndexPart(options, partPath);
  return createLanding({
    shape,
    title,
    directory,
    neededBytes: options.neededBytes,
    placer: createStorePlacer(options),
    index,
    ready: () => writer.ready(),
    async publish() {
      await index.finish();
      await publishIndex({ place, writer, partPath, indexPath });
      index.close();
    },
    async abandon() {
      index.close();
      rmSync(partPath, { force: true });
      await writer.commit();
    },
  });
}

async function openIndexPart(options: StoreLandingOptions, partPath: string): Promise<IndexWriter> {
  const { shape, title } = options;
  const directory = dirname(options.indexPath);
  try {
    await makeDirectory(directory);
    return createIndexWriter(partPath, shape);
  } catch (error) {
    throw storeFailure(error, { title, directory, neededBytes: options.neededBytes });
  }
}

/** Puts chunks into a store; those that it has are at hand. */
function createStorePlacer({ shape, writer, level }: StoreLandingOptions): ChunkPlacer {
  const zeros = zeroDigests(shape);
  let doneBytes = 0;

  return {
    costBytes: () => LOOK_COST_BYTES,
    settle(position, digest) {
      const lengthBytes = chunkLengthAt(shape, position);
      if (!writer.has(digest, lengthBytes)) {
        if (!zeros.at(position).equals(digest)) return false;
        writer.put(digest, compress(Buffer.alloc(lengthBytes), level));
      }
      doneBytes += lengthBytes;
      return true;
    },
    write(position, digest, { bytes, packed }) {
      if (!writer.has(digest, bytes.length)) {
        const isKept = packed !== undefined && isPlainlyPacked(packed, bytes);
        writer.put(digest, isKept ? packed : compress(bytes, level));
      }
      doneBytes += chunkLengthAt(shape, position);
    },
    idle: () => Promise.resolve(),
    doneBytes: () => doneBytes,
  };
}
