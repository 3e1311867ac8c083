import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { KgetError } from '../base/error.ts';
import { makeDirectories } from '../content/directories.ts';
import { storeFailure } from '../content/room.ts';
import { takeLock } from '../store/lock.ts';
import type { StorePlace } from '../store/store-place.ts';

/** Room that pruning takes for itself: a few small files and directories. */
export const WORKING_BYTES = 64 * 1024;

/**
 * Keeps others from forgetting snapshots and from rewriting manifests until it is disposed of.
 * @throws KgetError `locked`, `target-unwritable`
 */
export function lockForPruning(place: StorePlace, purpose: string): Disposable {
  const { directory, pruneLock } = place;
  try {
    makeDirectories(dirname(pruneLock));
    takeLock(
      pruneLock,
      (pid) =>
        new KgetError(
          'locked',
          `Cannot ${purpose} in ${directory}: process ${pid} prunes it or changes its tags; ` +
            'wait for its end',
        ),
    );
  } catch (error) {
    throw storeFailure(error, { title: 'a lock', directory, neededBytes: WORKING_BYTES });
  }
  return { [Symbol.dispose]: () => rmSync(pruneLock, { force: true }) };
}
