import { join } from 'node:path';

/**
 * Where everything of a store lies below its directory; docs/formats.md has the whole layout. What
 * is not in `chunks` or `snapshots` is for Kget+ alone.
 */
export interface StorePlace {
  readonly directory: string;
  /** A casync store: `<first 4 hex>/<64 hex>.cacnk`. */
  readonly chunks: string;
  /** `<run>/<node>/<file name>.caibx` and `<run>/manifest.json`. */
  readonly snapshots: string;
  /** What no snapshot needed when `prune` looked, in batches, until it is swept. */
  readonly trash: string;
  /** Chunks that are not yet complete and durable, by process. */
  readonly staging: string;
  /** The table of the chunks that there are; made anew when it is lost. */
  readonly table: string;
  /** Which processes use the store. */
  readonly leases: string;
  readonly pruneLock: string;
}

export function storePlace(directory: string): StorePlace {
  const own = join(directory, '.kgetplus');
  return {
    directory,
    chunks: join(directory, 'store.castr'),
    snapshots: join(directory, 'snapshots'),
    trash: join(own, 'trash'),
    staging: join(own, 'staging'),
    table: join(own, 'chunks'),
    leases: join(own, 'leases'),
    pruneLock: join(own, 'prune.lock'),
  };
}
