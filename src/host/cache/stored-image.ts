import { assert } from '../../base/assert.ts';
import { KgetError } from '../../base/error.ts';
import { type ChunkRun, DIGEST_BYTES, type ServedImage } from '../../content/image.ts';
import type { StoredIndex } from '../../content/index-reader.ts';
import { chunkLengthAt } from '../../content/shape.ts';
import { isZstdFrame } from '../../content/unpack-chunk.ts';
import { readStoredChunk, type StoredChunk } from '../../store/stored-chunk.ts';
import { storePlace } from '../../store/store-place.ts';

/**
 * Serves an image of a store by its index. Chunks are verified as they are read, and go out in the
 * frames in which the store has them.
 */
export function storedImage(options: {
  readonly index: StoredIndex;
  readonly store: string;
  /** The index in error messages. */
  readonly indexPath: string;
}): ServedImage {
  const { index, indexPath } = options;
  const { shape } = index;
  const place = storePlace(options.store);
  /** A chunk is first asked for as a frame, then as it is: it is read once. */
  let last: { readonly position: number; readonly chunk: StoredChunk } | undefined;

  function chunkAt(position: number): StoredChunk {
    if (last?.position === position) return last.chunk;
    const digest = index.read(position, 1);
    const lengthBytes = chunkLengthAt(shape, position);
    try {
      const chunk = readStoredChunk(place, { digest, algorithm: 'sha256', lengthBytes });
      last = { position, chunk };
      return chunk;
    } catch (cause) {
      if (!(cause instanceof KgetError)) throw cause;
      const advice = 'bring it back with kgetplus verify --repair-from';
      throw new KgetError(
        'source-unreadable',
        `Cannot serve ${indexPath}: ${cause.message}; ${advice}`,
        { cause },
      );
    }
  }

  return {
    shape,
    index,
    read(pieces, offset) {
      let at = offset;
      for (const piece of pieces) {
        copyRange(piece, at);
        at += piece.length;
      }
    },
    packed(position) {
      const { packed, plain } = chunkAt(position);
      return packed.length < plain.length && isZstdFrame(packed) ? packed : undefined;
    },
    // Chunks are verified one by one, and named by what they hold.
    confirmUnchanged: () => undefined,
  };

  function copyRange(piece: Uint8Array, offset: number): void {
    assert(offset + piece.length <= shape.sizeBytes, 'a read beyond the image');
    for (let done = 0; done < piece.length;) {
      const position = Math.floor((offset + done) / shape.chunkSizeBytes);
      const within = offset + done - position * shape.chunkSizeBytes;
      const bytes = chunkAt(position).plain.subarray(within, within + piece.length - done);
      piece.set(bytes, done);
      done += bytes.length;
    }
  }
}

/** Digests that are read at once. */
const BATCH: ChunkRun['count'] = 32_768;

/** All digests of an index in order, packed, a batch at a time. @throws KgetError `corrupt` */
export function* digestBatches(index: StoredIndex): Generator<Buffer, void, void> {
  for (let first = 0; first < index.chunkCount; first += BATCH) {
    const batch = index.read(first, Math.min(BATCH, index.chunkCount - first));
    assert(batch.length % DIGEST_BYTES === 0, 'whole digests');
    yield batch;
  }
}
