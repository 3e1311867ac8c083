import { KgetError, toFailure } from '../base/error.ts';
import type { IndexedChunk } from '../content/blob-index.ts';
import type { ChunkReader } from '../store/chunk-reader.ts';

/**
 * Reads a chunk of a snapshot from its store, verified.
 * @throws KgetError as the reader's, with what of the snapshot is missing and what to do
 */
export async function readChunk(
  { chunks, title }: { readonly chunks: ChunkReader; readonly title: string },
  chunk: IndexedChunk,
): Promise<Buffer> {
  try {
    return await chunks.read(chunk);
  } catch (cause) {
    if (!(cause instanceof KgetError)) throw cause;
    const { code, message } = toFailure(cause);
    const bytes = `bytes ${chunk.offset} to ${chunk.offset + chunk.lengthBytes - 1}`;
    const advice =
      code === 'corrupt'
        ? '; bring the chunk back with kgetplus verify --repair-from'
        : '; what is done so far is kept';
    throw new KgetError(
      code,
      `Cannot read ${bytes} of ${title} (chunk ${chunk.digest.toString('hex')}): ${message}${advice}`,
      { cause },
    );
  }
}
