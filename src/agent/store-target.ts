import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { KgetError, toFailure } from '../base/error.ts';
import { indexPathOf } from '../content/seed-file.ts';
import { hasZstd } from '../content/zstd.ts';
import type { TargetConfiguration } from '../control/messages.ts';
import { openChunkWriter } from '../store/chunk-writer.ts';
import { takeLease } from '../store/lease.ts';
import { openStoreLanding } from '../store/store-landing.ts';
import { storePlace } from '../store/store-place.ts';
import type { Target } from './image-place.ts';
import { confirmWritable, plainName, titleOf } from './target-names.ts';

type StoreTarget = Extract<TargetConfiguration, { layout: 'store' }>;

/**
 * The frontend's layout `store`: chunks by digest, and an index for each image of the run.
 * @throws KgetError `target-unwritable`
 */
export async function openStoreTarget({ directory, run, level }: StoreTarget): Promise<Target> {
  confirmWritable(directory);
  if (!hasZstd) {
    throw new KgetError(
      'target-unwritable',
      `Cannot keep a store in ${directory}: this Node.js (${process.version}) has no zstd, wanted ` +
        '22.15 or newer on the frontend; or gather with --layout files',
    );
  }
  const place = storePlace(directory);
  const lease = takeLease(place, 'gather');
  const writer = await openChunkWriter(place, lease).catch((error: unknown) => {
    lease.release();
    const found = toFailure(error).message;
    throw new KgetError('target-unwritable', `Cannot open the store in ${directory}: ${found}`, {
      cause: error,
    });
  });
  const snapshots = join(place.snapshots, plainName(run));
  return {
    place: {
      directory,
      level,
      land: async (image, options) =>
        openStoreLanding({
          ...options,
          place,
          writer,
          indexPath: indexPathOf(
            join(snapshots, plainName(image.node), plainName(basename(image.path))),
          ),
          title: titleOf(image),
          level,
        }),
      record: () => Promise.resolve(),
      kept: () => [],
      drop: () => {},
      empty: () => {},
      async close() {
        await writer.close();
        lease.release();
      },
    },
    seeded: imagesIn(place.snapshots),
    warnings: [],
  };
}

/** `NODE/FILE` of all snapshots, each once. */
function imagesIn(snapshots: string): readonly string[] {
  const suffix = indexPathOf('');
  const found = globSync(`*/*/*${suffix}`, { cwd: snapshots });
  return [...new Set(found.map((path) => path.slice(path.indexOf('/') + 1, -suffix.length)))];
}
