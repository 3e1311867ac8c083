import { KgetError, toFailure } from '../base/error.ts';
import type { ChunkName, ChunkReader } from '../store/chunk-reader.ts';
import type { ChunkTable } from '../store/chunk-table.ts';
import type { StorePlace } from '../store/store-place.ts';
import { type FoundBad, inspectChunk, setBadAside } from './bad-chunk.ts';
import { type ChunkChoice, chosenChunks, eachAtOnce } from './read-chunks.ts';

/** Bad chunks that are listed, set aside and repaired in one go. */
const MAX_LISTED_BAD = 10_000;

export interface VerifyProgress {
  readonly doneChunks: number;
  readonly doneBytes: number;
  readonly wantedBytes: number;
  readonly badChunks: number;
}

export interface ReadResult {
  readonly chunks: number;
  readonly bytes: number;
  readonly bad: ReadonlyMap<string, FoundBad>;
  readonly unlistedBad: number;
}

export interface ReadOptions extends ChunkChoice {
  readonly chunks: ChunkReader;
  readonly place: StorePlace;
  /** Chunks that are read at the same time. */
  readonly atOnce: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/**
 * Reads the chosen chunks, and renames the damaged ones. @throws KgetError `corrupt` if the chunk
 * table is damaged meanwhile
 */
export async function findBadChunks(options: ReadOptions): Promise<ReadResult> {
  const { place, chunks: reader, table, wanted, onProgress } = options;
  const bad = new Map<string, FoundBad>();
  const usable = table.warnings.length;
  let [chunks, bytes, unlistedBad] = [0, 0, 0];

  async function readOne(chunk: ChunkName): Promise<void> {
    const found = await inspectChunk(reader, chunk);
    chunks += 1;
    bytes += chunk.lengthBytes;
    if (found !== undefined && bad.size >= MAX_LISTED_BAD) unlistedBad += 1;
    else if (found !== undefined) {
      const copy = { ...chunk, digest: Buffer.from(chunk.digest) };
      const hex = copy.digest.toString('hex');
      // Its place is taken before it is renamed: others wait for the same list.
      bad.set(hex, { ...copy, ...found, setAside: null });
      if (found.kind === 'damaged')
        bad.set(hex, { ...copy, ...(await renamed(place, copy, found)) });
    }
    const badChunks = bad.size + unlistedBad;
    onProgress?.({ doneChunks: chunks, doneBytes: bytes, wantedBytes: wanted.bytes, badChunks });
  }
  await eachAtOnce(chosenChunks(options), options, readOne);
  if (table.warnings.length > usable) throw lostTable(table);
  return { chunks, bytes, bad, unlistedBad };
}

async function renamed(
  place: StorePlace,
  chunk: ChunkName,
  found: Pick<FoundBad, 'kind' | 'message'>,
): Promise<Omit<FoundBad, keyof ChunkName>> {
  try {
    return { ...found, setAside: (await setBadAside(place, chunk)) ?? null };
  } catch (error) {
    const message = `${found.message}; it could not be renamed: ${toFailure(error).message}`;
    return { ...found, message, setAside: null };
  }
}

function lostTable({ warnings }: ChunkTable): KgetError {
  return new KgetError(
    'corrupt',
    `Cannot tell whether all chunks were read: ${warnings.at(-1) ?? ''}; verify again`,
  );
}
