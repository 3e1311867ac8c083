import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type LeaseRecord, readLeases } from '../store/lease.ts';
import type { StorePlace } from '../store/store-place.ts';

/** What these processes do brings no snapshots. Of all others one has to think that it does. */
const READERS: ReadonlySet<string> = new Set(['restore', 'serve', 'verify', 'export', 'mount']);

/** Times of files are those of the kernel's last tick (at least 100 a second): they may lag. */
const TICK_MS = 10;

/**
 * From when on files may be of those that live and may bring snapshots; infinite if there is none.
 */
export function writersSinceMs(leases: readonly LeaseRecord[]): number {
  const writers = leases.filter(({ kind, isAlive }) => isAlive && !READERS.has(kind));
  return Math.min(Infinity, ...writers.map(({ takenAtMs }) => takenAtMs - TICK_MS));
}

/** Removes what processes have left that ended without giving their lease back. */
export function removeDeadLeases(place: StorePlace): void {
  for (const { name, isAlive } of readLeases(place)) {
    if (!isAlive) rmSync(join(place.leases, name), { force: true });
  }
}
