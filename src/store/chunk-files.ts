import { close, fstat, open, read, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { KgetError, systemCode, toFailure } from '../base/error.ts';
import { chunkFileOf } from '../content/chunk-name.ts';
import { unpackChunk } from '../content/unpack-chunk.ts';
import type { ChunkName, ChunkReader } from './chunk-reader.ts';
import type { StorePlace } from './store-place.ts';
import { findInTrash } from './trash.ts';

/** What compression may add to a chunk that does not shrink; zstd's own bound is below. */
const MAX_OVERHEAD_BYTES = 64 * 1024;

const openFile = promisify(open);
const statFile = promisify(fstat);
const readFile = promisify(read);
const closeFile = promisify(close);

/** Reads the chunks of a store from its files. */
export function chunkFiles(place: StorePlace): ChunkReader {
  async function packed(chunk: ChunkName): Promise<Buffer> {
    const path = chunkFileOf(place.chunks, chunk.digest);
    try {
      return await readWhole(path, chunk);
    } catch (error) {
      const aside = systemCode(error) === 'ENOENT' ? findInTrash(place, chunk.digest) : undefined;
      // It may have been brought back between the two looks.
      return readWhole(aside ?? path, chunk).catch((cause: unknown) => {
        throw unreadable(path, cause);
      });
    }
  }
  return {
    read: async (chunk) =>
      unpackChunk(await packed(chunk), chunk, chunkFileOf(place.chunks, chunk.digest)),
    packedBytes(digest) {
      const path = chunkFileOf(place.chunks, digest);
      const found = statSync(path, { throwIfNoEntry: false });
      if (found !== undefined) return found.size;
      const aside = findInTrash(place, digest);
      return aside === undefined ? undefined : statSync(aside, { throwIfNoEntry: false })?.size;
    },
  };
}

async function readWhole(path: string, { lengthBytes }: ChunkName): Promise<Buffer> {
  const fd = await openFile(path, 'r');
  try {
    const { size } = await statFile(fd);
    if (size > lengthBytes + MAX_OVERHEAD_BYTES) {
      throw new KgetError(
        'corrupt',
        `Cannot use chunk ${path}: found ${size} B, wanted ${lengthBytes} B compressed`,
      );
    }
    const into = Buffer.allocUnsafe(size);
    let done = 0;
    while (done < size) {
      const { bytesRead } = await readFile(fd, into, done, size - done, done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return into.subarray(0, done);
  } finally {
    await closeFile(fd);
  }
}

function unreadable(path: string, cause: unknown): unknown {
  if (cause instanceof KgetError) return cause;
  if (systemCode(cause) === 'ENOENT') {
    return new KgetError('corrupt', `Cannot read chunk ${path}: it is missing`, { cause });
  }
  const found = toFailure(cause).message;
  return new KgetError('source-unreadable', `Cannot read chunk ${path}: ${found}`, { cause });
}
