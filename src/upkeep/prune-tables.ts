import { mkdtempSync, opendirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { KgetError, systemCode } from '../base/error.ts';
import { digestOfChunkFile } from '../content/chunk-name.ts';
import { type ChunkTable, openChunkTable } from '../store/chunk-table.ts';
import type { StorePlace } from '../store/store-place.ts';
import { addToTable } from '../store/table-add.ts';
import { createAdditions, MAX_ADDITIONS } from '../store/table-additions.ts';
import { rebuildTable } from '../store/table-rebuild.ts';
import { trashBatches } from '../store/trash.ts';

/** How often, and how long in between, a table that somebody else merges is tried again. */
const REBUILD_TRIES = 20;
const REBUILD_PAUSE_MS = 500;

const SCRATCH = 'prune';

/** A directory for tables of one run, removed at its end. */
export interface Scratch extends Disposable {
  readonly directory: string;
  /** Whether it is not in the store. */
  readonly isElsewhere: boolean;
}

/** In the store, where what an earlier run left is removed; a dry run changes nothing there. */
export function openScratch(place: StorePlace, { isDry }: { readonly isDry: boolean }): Scratch {
  const directory = isDry
    ? mkdtempSync(join(tmpdir(), 'kgetplus-prune-'))
    : join(place.directory, '.kgetplus', SCRATCH);
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  if (!isDry) remove();
  return { directory, isElsewhere: isDry, [Symbol.dispose]: remove };
}

export interface TableOptions {
  readonly place: StorePlace;
  /** The table's directory. */
  readonly directory: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Makes the table of a store's chunks anew. One that others merge all the time stays as it is: what
 * it does not know is not collected, and of what it knows the file system is asked.
 * @throws KgetError `cancelled`, `source-unreadable`, `no-room`, `target-unwritable`
 */
export async function refreshTable(options: TableOptions): Promise<void> {
  const { place, directory, clock, signal } = options;
  for (let tries = 1; ; tries += 1) {
    try {
      await rebuildTable({ root: place.chunks, directory, signal });
      return;
    } catch (error) {
      const isLocked = error instanceof KgetError && error.code === 'locked';
      if (!isLocked) throw error;
      if (tries === REBUILD_TRIES) return;
      await clock.sleep(REBUILD_PAUSE_MS, signal);
    }
  }
}

/** The chunks that there are when a prune begins. */
export interface PruneTables extends Disposable {
  readonly store: ChunkTable;
  readonly trash: ChunkTable;
}

/**
 * Lists all chunks. A dry run makes its tables elsewhere; so does one whose store is full, which is
 * when it is needed most. @throws KgetError as `refreshTable`
 */
export async function openPruneTables(
  options: Omit<TableOptions, 'directory'> & { readonly isDry: boolean },
): Promise<PruneTables> {
  if (options.isDry) return openTables(options, openScratch(options.place, { isDry: true }));
  try {
    return await openTables(options, openScratch(options.place, { isDry: false }));
  } catch (error) {
    if (!isFull(error)) throw error;
    return openTables(options, openScratch(options.place, { isDry: true }));
  }
}

async function openTables(
  options: Omit<TableOptions, 'directory'>,
  scratch: Scratch,
): Promise<PruneTables> {
  const opened: ChunkTable[] = [];
  function close(): void {
    for (const table of opened) table.close();
    scratch[Symbol.dispose]();
  }
  try {
    const ofStore = scratch.isElsewhere ? join(scratch.directory, 'store') : options.place.table;
    await refreshTable({ ...options, directory: ofStore });
    const store = await openChunkTable(ofStore);
    opened.push(store);
    const trash = await trashTable(options.place, join(scratch.directory, 'trash'));
    opened.push(trash);
    return { store, trash, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

function isFull(error: unknown): boolean {
  return error instanceof KgetError && error.code === 'no-room';
}

/** A table of all chunks that are in the trash. @throws KgetError as `addToTable` */
async function trashTable(place: StorePlace, directory: string): Promise<ChunkTable> {
  let additions = createAdditions();
  for (const batch of trashBatches(place)) {
    for (const name of namesIn(batch.directory)) {
      const digest = digestOfChunkFile(name);
      if (digest === undefined) continue;
      additions.add(digest, 0);
      if (additions.count < MAX_ADDITIONS) continue;
      await addToTable(directory, additions.packed());
      additions = createAdditions();
    }
  }
  if (additions.count > 0) await addToTable(directory, additions.packed());
  return openChunkTable(directory);
}

/** Names in a directory that may be very large; none if it is gone. */
export function* namesIn(directory: string): Generator<string, void, void> {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  const listing = openListing(directory);
  if (listing === undefined) return;
  try {
    for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) {
      yield entry.name;
    }
  } finally {
    listing.closeSync();
  }
}

function openListing(directory: string) {
  try {
    return opendirSync(directory, { bufferSize: 1024 });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
