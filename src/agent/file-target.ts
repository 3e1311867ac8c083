import { basename, join } from 'node:path';
import { openFileLanding } from '../content/file-landing.ts';
import { indexPathOf } from '../content/seed-file.ts';
import type { SeedTable } from '../content/seed-table.ts';
import type { ImageName } from '../control/messages.ts';
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
  const pathOf = (image: ImageName): string =>
    join(directory, plainName(image.node), plainName(basename(image.path)));
  return {
    place: targetPlace({
      directory,
      land: (image, options) =>
        openFileLanding({
          ...options,
          path: pathOf(image),
          title: titleOf(image),
          seeds,
        }),
      filesOf: (image) => [pathOf(image), indexPathOf(pathOf(image))],
      close: () => Promise.resolve(),
    }),
    ...(await loadTargetSeeds(seeds, directory)),
  };
}
