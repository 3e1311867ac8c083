import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError, systemCode } from '../base/error.ts';
import { syncDirectory } from '../content/durable.ts';
import { storeFailure } from '../content/room.ts';
import type { StorePlace } from '../store/store-place.ts';
import { lockForPruning } from '../upkeep/prune-lock.ts';
import { goneRunName } from './image-place.ts';
import { readTags, writeTags } from './image-tags.ts';
import type { StoredImage } from './images.ts';
import { lockImages, type LockOptions } from './lock-images.ts';

/** Who uses an image, in words for people (`job 17`); undefined if nobody does. */
type InUse = (id: string) => string | undefined;

export interface RemoveOptions extends LockOptions {
  /** Asked with the lock. */
  readonly inUse: InUse;
  /** Also if it is in use. */
  readonly force: boolean;
}

/**
 * Removes an image and its tags, durably: in the moment in which its run gets another name. Its
 * chunks stay until `prune` finds that nothing else needs them. Whoever is stopped in between leaves
 * an image without tags, or a directory that the next change of images removes.
 * @throws KgetError `usage` if it is in use; `locked` also while the store is pruned
 */
export async function removeImage(
  place: StorePlace,
  { image, run }: StoredImage,
  options: RemoveOptions,
): Promise<void> {
  using _lock = await lockImages(place, options);
  const user = options.force ? undefined : options.inUse(image.id);
  if (user !== undefined) {
    throw new KgetError(
      'usage',
      `Cannot remove image ${image.id.slice(0, 12)} (${image.name}): ${user} uses it; wait for ` +
        'its end, or remove it all the same with --force',
    );
  }
  // Nobody else may write the manifest of its run, or list its snapshots to forget them.
  using _prune = lockForPruning(place, 'remove an image');
  const tags = readTags(place);
  const left = new Map([...tags].filter(([, id]) => id !== image.id));
  if (left.size < tags.size) await writeTags(place, left);
  try {
    const gone = join(place.snapshots, goneRunName(run));
    renameSync(join(place.snapshots, run), gone);
    await syncDirectory(place.snapshots);
    rmSync(gone, { recursive: true, force: true });
  } catch (error) {
    // Somebody else has removed it meanwhile.
    if (systemCode(error) === 'ENOENT') return;
    const title = 'what is left without an image';
    throw storeFailure(error, { title, directory: place.directory, neededBytes: 0 });
  }
}
