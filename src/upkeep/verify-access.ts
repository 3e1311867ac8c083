import { join } from 'node:path';
import { KgetError, systemCode, toFailure } from '../base/error.ts';
import { storeFailure } from '../content/room.ts';
import { type ChunkTable, openChunkTable } from '../store/chunk-table.ts';
import { type Lease, takeLease } from '../store/lease.ts';
import type { StorePlace } from '../store/store-place.ts';
import { openScratch, refreshTable, type TableOptions } from './prune-tables.ts';

/** A store that cannot be written can be read all the same. */
export function leaseOf(
  place: StorePlace,
  { isNeeded, warnings }: { readonly isNeeded: boolean; readonly warnings: string[] },
): Disposable & { readonly lease: Lease | undefined } {
  try {
    const lease = takeLease(place, 'verify');
    return { lease, [Symbol.dispose]: () => lease.release() };
  } catch (error) {
    const stored = { title: 'a lease', directory: place.directory, neededBytes: 0 };
    if (isNeeded || !isReadOnly(error)) throw storeFailure(error, stored);
    warnings.push(`The store cannot be written: ${toFailure(error).message}; no prune must run`);
    return { lease: undefined, [Symbol.dispose]: () => {} };
  }
}

/** The table of a store's chunks, made anew: in another place if the store cannot be written. */
export async function openTable(
  options: Omit<TableOptions, 'directory'>,
): Promise<Disposable & { readonly table: ChunkTable }> {
  const { place } = options;
  try {
    await refreshTable({ ...options, directory: place.table });
    const table = await openChunkTable(place.table);
    return { table, [Symbol.dispose]: () => table.close() };
  } catch (error) {
    if (!(error instanceof KgetError) || error.code !== 'target-unwritable') throw error;
    const scratch = openScratch(place, { isDry: true });
    const directory = join(scratch.directory, 'store');
    await refreshTable({ ...options, directory });
    const table = await openChunkTable(directory);
    return {
      table,
      [Symbol.dispose]() {
        table.close();
        scratch[Symbol.dispose]();
      },
    };
  }
}

function isReadOnly(error: unknown): boolean {
  return ['EROFS', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '');
}
