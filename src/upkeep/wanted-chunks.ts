import type { Snapshot } from '../catalogue/catalogue.ts';
import type { BlobIndex, IndexedChunk } from '../content/blob-index.ts';
import { chunkBatches } from '../content/chunk-batches.ts';
import type { DigestAlgorithm } from '../content/digest-algorithm.ts';
import { pause } from '../content/pause.ts';
import type { ChunkName } from '../store/chunk-reader.ts';
import type { ChunkTable } from '../store/chunk-table.ts';
import type { Fault } from './verify-report.ts';

/** Chunks that are looked up one by one, since the table does not have them. */
const MAX_STRAYS = 100_000;

/** Above the largest length: this bit tells the algorithm. */
const OTHER_ALGORITHM = 2 ** 31;

/**
 * Chunks that indexes need, each once: for those of a chunk table 4 B of memory each.
 */
export interface WantedChunks {
  readonly count: number;
  readonly bytes: number;
  /** Chunks that the table does not have, by digest in hexadecimal. */
  readonly strays: ReadonlyMap<string, ChunkName>;
  /** Strays beyond those; they are not looked at. */
  readonly unlistedStrays: number;
  /** Adds all chunks of an index; says what is wrong with it if a digest has two lengths. */
  add(snapshot: Snapshot, index: BlobIndex, signal: AbortSignal): Promise<Fault | undefined>;
  /** A chunk of the table, if it is needed. */
  find(digest: Buffer): ChunkName | undefined;
}

export function createWantedChunks(table: ChunkTable): WantedChunks {
  const lengths = new Uint32Array(table.ordinals);
  const strays = new Map<string, ChunkName>();
  let count = 0;
  let bytes = 0;
  let unlistedStrays = 0;

  /** The length that the chunk was needed with before, if it is another one. */
  function addChunk(chunk: IndexedChunk): number | undefined {
    const { digest, lengthBytes, algorithm } = chunk;
    const ordinal = table.find(digest)?.ordinal;
    if (ordinal === undefined) return addStray(chunk);
    const known = lengths[ordinal] ?? 0;
    const code = lengthBytes + (algorithm === 'sha256' ? 0 : OTHER_ALGORITHM);
    if (known !== 0) return known === code ? undefined : known % OTHER_ALGORITHM;
    lengths[ordinal] = code;
    count += 1;
    bytes += lengthBytes;
    return undefined;
  }
  function addStray({ digest, lengthBytes, algorithm }: IndexedChunk): number | undefined {
    const hex = digest.toString('hex');
    const known = strays.get(hex);
    if (known !== undefined)
      return known.lengthBytes === lengthBytes ? undefined : known.lengthBytes;
    if (strays.size < MAX_STRAYS) {
      strays.set(hex, { digest: Buffer.from(digest), lengthBytes, algorithm });
      count += 1;
      bytes += lengthBytes;
    } else unlistedStrays += 1;
    return undefined;
  }
  return {
    get count() {
      return count;
    },
    get bytes() {
      return bytes;
    },
    strays,
    get unlistedStrays() {
      return unlistedStrays;
    },
    async add({ id }, index, signal) {
      let fault: Fault | undefined;
      for (const chunks of chunkBatches(index)) {
        await pause();
        if (signal.aborted) return undefined;
        for (const chunk of chunks) {
          const other = addChunk(chunk);
          if (other === undefined) continue;
          const hex = chunk.digest.toString('hex');
          const message = `chunk ${hex} has ${chunk.lengthBytes} B in it, and ${other} B elsewhere`;
          fault ??= { subject: id, message };
        }
      }
      return fault;
    },
    find(digest) {
      const ordinal = table.find(digest)?.ordinal;
      const code = ordinal === undefined ? 0 : (lengths[ordinal] ?? 0);
      if (code === 0) return undefined;
      const algorithm: DigestAlgorithm = code < OTHER_ALGORITHM ? 'sha256' : 'sha512-256';
      return { digest, lengthBytes: code % OTHER_ALGORITHM, algorithm };
    },
  };
}
