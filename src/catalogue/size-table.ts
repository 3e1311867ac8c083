import { statSync } from 'node:fs';
import { KgetError, systemCode, toFailure } from '../base/error.ts';
import { chunkFileOf } from '../content/chunk-name.ts';
import { DIGEST_BYTES } from '../content/image.ts';
import { type ChunkTable, openChunkTable } from '../store/chunk-table.ts';
import type { StorePlace } from '../store/store-place.ts';
import { rebuildTable, type StoreTotals } from '../store/table-rebuild.ts';
import { RECORD_BYTES } from '../store/table-record.ts';
import { findInTrash } from '../store/trash.ts';
import type { Snapshot } from './catalogue.ts';
import { type MeasureOptions, measureSnapshots, type StoreSizes } from './sizes.ts';

/** A store by its indexes and the table of its chunks. */
export interface StoreMeasure {
  readonly sizes: StoreSizes;
  /** All files of chunks, used or not, as the table has them. */
  readonly files: StoreTotals;
  /**
   * Whether the table has the chunks that snapshots have. If not, bytes of files are too few, and
   * what is unique or new cannot be told.
   */
  readonly isWhole: boolean;
  readonly warnings: readonly string[];
}

/**
 * Measures all snapshots of a store, the oldest first. A table of chunks that is lost, or does not
 * have them all, is made anew if this process may write there; nothing else is ever written.
 * Memory: as for `measureSnapshots`. @throws KgetError `cancelled`, `no-room` as that does
 */
export async function measureStore(
  place: StorePlace,
  snapshots: readonly Snapshot[],
  options: Pick<MeasureOptions, 'groupOf' | 'signal'> = {},
): Promise<StoreMeasure> {
  const first = await measureByTable(place, snapshots, options);
  if (first.isWhole) return first;
  const refusal = await rebuild(place, options.signal);
  const last = refusal === undefined ? await measureByTable(place, snapshots, options) : first;
  if (last.isWhole) return last;
  const found = refusal ?? 'a new one does not either';
  const warning =
    `The table of chunks ${place.table} does not have all chunks of the store, and ` +
    `${found}: sizes of files are left out`;
  return { ...last, warnings: [...last.warnings, warning] };
}

async function measureByTable(
  place: StorePlace,
  snapshots: readonly Snapshot[],
  options: Pick<MeasureOptions, 'groupOf' | 'signal'>,
): Promise<StoreMeasure> {
  let unlisted = 0;
  /** What is set aside is there as well, but in no table. */
  function isThere(digest: Buffer): boolean {
    const file = chunkFileOf(place.chunks, digest);
    if (statSync(file, { throwIfNoEntry: false }) === undefined) {
      return findInTrash(place, digest) !== undefined;
    }
    unlisted += 1;
    return true;
  }
  const chunks = await openTable(place.table);
  try {
    const sizes = await measureSnapshots(snapshots, { ...options, chunks, isThere });
    const files = await totalsOf(chunks);
    return { sizes, files, isWhole: unlisted === 0, warnings: [...chunks.warnings] };
  } finally {
    chunks.close();
  }
}

/** A table that cannot even be listed has nothing. */
async function openTable(directory: string): Promise<ChunkTable> {
  try {
    return await openChunkTable(directory);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return {
      ordinals: 0,
      warnings: [`Cannot open the table of chunks ${directory}: ${toFailure(error).message}`],
      find: () => undefined,
      // oxlint-disable-next-line no-empty-function
      async *records() {},
      close: () => {},
    };
  }
}

async function totalsOf(chunks: ChunkTable): Promise<StoreTotals> {
  const totals = { chunks: 0, packedBytes: 0 };
  for await (const batch of chunks.records()) {
    totals.chunks += batch.length / RECORD_BYTES;
    for (let at = DIGEST_BYTES; at < batch.length; at += RECORD_BYTES) {
      totals.packedBytes += batch.readUInt32LE(at);
    }
  }
  return totals;
}

/** Makes the table anew; returns why that is not possible, if so. */
async function rebuild(
  { chunks, table }: StorePlace,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    await rebuildTable({ root: chunks, directory: table, ...(signal && { signal }) });
    return undefined;
  } catch (error) {
    if (error instanceof KgetError && error.code === 'cancelled') throw error;
    return toFailure(error).message;
  }
}
