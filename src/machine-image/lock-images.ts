import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { KgetError } from '../base/error.ts';
import { makeDirectories } from '../content/directories.ts';
import { storeFailure } from '../content/room.ts';
import { readLeases } from '../store/lease.ts';
import { takeLock } from '../store/lock.ts';
import type { StorePlace } from '../store/store-place.ts';
import { imagesLock, leftoverOf } from './image-place.ts';

/** Whoever has the lock writes a few small files, so it is soon free again. */
const MAX_WAIT_MS = 10_000;
const RETRY_MS = 50;

export interface LockOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Keeps others from adding and removing images and tags until it is disposed of; what processes
 * that are gone have left half done is removed.
 * @throws KgetError `locked` if another process has it all the time, `target-unwritable`, `no-room`,
 * `cancelled`
 */
export async function lockImages(
  place: StorePlace,
  { clock, signal }: LockOptions,
): Promise<Disposable> {
  const lock = imagesLock(place);
  const untilMs = clock.nowMs() + MAX_WAIT_MS;
  while (!tryLock(place, { lock, isLastTry: clock.nowMs() >= untilMs })) {
    await clock.sleep(RETRY_MS, signal);
    if (signal.aborted) {
      throw new KgetError('cancelled', `Cannot change images of ${place.directory}: stopped`);
    }
  }
  const held = { [Symbol.dispose]: () => rmSync(lock, { force: true }) };
  try {
    removeLeftovers(place);
    return held;
  } catch (error) {
    held[Symbol.dispose]();
    throw storeFailure(error, { title: 'images', directory: place.directory, neededBytes: 0 });
  }
}

function tryLock(
  { directory }: StorePlace,
  { lock, isLastTry }: { readonly lock: string; readonly isLastTry: boolean },
): boolean {
  try {
    makeDirectories(dirname(lock));
    takeLock(
      lock,
      (pid) =>
        new KgetError(
          'locked',
          `Cannot change the images of ${directory}: process ${pid} does so; wait for its end`,
        ),
    );
    return true;
  } catch (cause) {
    const error = storeFailure(cause, { title: 'a lock', directory, neededBytes: 0 });
    if (!isLastTry && error instanceof KgetError && error.code === 'locked') return false;
    throw error;
  }
}

function removeLeftovers(place: StorePlace): void {
  const leases = new Set(readLeases(place).flatMap(({ name, isAlive }) => (isAlive ? [name] : [])));
  for (const name of namesIn(place.snapshots)) {
    const leftover = leftoverOf(name);
    if (leftover === undefined) continue;
    const isWanted = leftover.kind === 'new' && leases.has(leftover.lease);
    if (!isWanted) rmSync(join(place.snapshots, name), { recursive: true, force: true });
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Not a store yet.
    return [];
  }
}
