import { basename, join } from 'node:path';
import { openFileLanding } from '../content/file-landing.ts';
import type { SeedTable } from '../content/seed-table.ts';
import type { Target } from './image-place.ts';
import { confirmWritable, plainName, titleOf } from './target-names.ts';
import { targetPlace } from './target-place.ts';
import { loadTargetSeeds } from './target-seeds.ts';

/**
 * The frontend's layout `files`: `DIR/<node>/<file name>`. What lies there stays, and is a seed.
 * @throws KgetError `target-unwritable`
 */
export async function openFileTarget(directory: string, seeds: SeedTable): Promise<Target> {
  confirmWritable(directory);
  return {
    place: targetPlace({
      directory,
      land: (image, options) =>
        openFileLanding({
          ...options,
          path: join(directory, plainName(image.node), plainName(basename(image.path))),
          title: titleOf(image),
          seeds,
        }),
      close: () => Promise.resolve(),
    }),
    ...(await loadTargetSeeds(seeds, directory)),
  };
}
