import type { ChunkName, ChunkReader } from '../store/chunk-reader.ts';

/** Chunks kept in memory, of all disks together. */
export interface ChunkCache {
  /** As `ChunkReader.read`; what is returned is shared, and not to be changed. */
  read(chunk: ChunkName): Promise<Buffer>;
  /** Begins to read a chunk that will be wanted soon, unless the cache is full of such. */
  prefetch(chunk: ChunkName): void;
}

export interface ChunkCacheOptions {
  readonly chunks: ChunkReader;
  /** Plain bytes of chunks that are kept, or are being read, at most. */
  readonly maxBytes: number;
}

interface Entry {
  readonly lengthBytes: number;
  readonly bytes: Promise<Buffer>;
}

/** Keeps the chunks that were used last; reads none twice at the same time. */
export function createChunkCache({ chunks, maxBytes }: ChunkCacheOptions): ChunkCache {
  /** The least recently used first. */
  const entries = new Map<string, Entry>();
  let heldBytes = 0;

  function remove(key: string): void {
    heldBytes -= entries.get(key)?.lengthBytes ?? 0;
    entries.delete(key);
  }
  function read(chunk: ChunkName): Promise<Buffer> {
    const key = chunk.digest.toString('latin1');
    const known = entries.get(key);
    if (known !== undefined) {
      entries.delete(key);
      entries.set(key, known);
      return known.bytes;
    }
    const bytes = chunks.read(chunk);
    // What could not be read may be read the next time.
    bytes.catch(() => {
      if (entries.get(key)?.bytes === bytes) remove(key);
    });
    entries.set(key, { lengthBytes: chunk.lengthBytes, bytes });
    heldBytes += chunk.lengthBytes;
    for (const oldest of entries.keys()) {
      if (heldBytes <= maxBytes || oldest === key) break;
      remove(oldest);
    }
    return bytes;
  }
  return {
    read,
    prefetch(chunk) {
      if (!entries.has(chunk.digest.toString('latin1'))) void read(chunk).catch(() => {});
    },
  };
}
