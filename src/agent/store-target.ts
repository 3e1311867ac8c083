import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { KgetError, toFailure } from '../base/error.ts';
import { indexPathOf } from '../content/seed-file.ts';
import { hasZstd } from '../content/zstd.ts';
import type { ImageName, TargetConfiguration } from '../control/messages.ts';
import { type ChunkWriter, openChunkWriter } from '../store/chunk-writer.ts';
import { type Lease, takeLease } from '../store/lease.ts';
import { openStoreLanding } from '../store/store-landing.ts';
import { type StorePlace, storePlace } from '../store/store-place.ts';
import type { Target } from './image-place.ts';
import { confirmWritable, plainName, titleOf } from './target-names.ts';
import { targetPlace } from './target-place.ts';

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
  const { writer, lease } = await openWriter(place);
  const snapshots = join(place.snapshots, plainName(run));
  const indexOf = (image: ImageName): string =>
    indexPathOf(join(snapshots, plainName(image.node), plainName(basename(image.path))));
  return {
    place: targetPlace({
      directory,
      level,
      land: async (image, options) =>
        openStoreLanding({
          ...options,
          place,
          writer,
          indexPath: indexOf(image),
          title: titleOf(image),
          level,
        }),
      filesOf: (image) => [indexOf(image)],
      async close() {
        await writer.close();
        lease.release();
      },
    }),
    seeded: imagesIn(place.snapshots),
    warnings: [],
  };
}

async function openWriter(place: StorePlace): Promise<{ writer: ChunkWriter; lease: Lease }> {
  let lease: Lease | undefined;
  try {
    lease = takeLease(place, 'gather');
    return { lease, writer: await openChunkWriter(place, lease) };
  } catch (error) {
    lease?.release();
    const found = toFailure(error).message;
    throw new KgetError(
      'target-unwritable',
      `Cannot open the store in ${place.directory}: ${found}`,
      { cause: error },
    );
  }
}

/** `NODE/FILE` of all snapshots, each once. */
function imagesIn(snapshots: string): readonly string[] {
  const suffix = indexPathOf('');
  const found = globSync(`*/*/*${suffix}`, { cwd: snapshots });
  return [...new Set(found.map((path) => path.slice(path.indexOf('/') + 1, -suffix.length)))];
}
