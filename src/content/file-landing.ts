import { dirname } from 'node:path';
import { createFilePlacer } from './file-placer.ts';
import { createLanding, type ImageLanding } from './landing.ts';
import { createPacedSync } from './paced-sync.ts';
import { openPart, type PartOptions } from './part-file.ts';
import type { SeedTable } from './seed-table.ts';

export interface FileLandingOptions extends PartOptions {
  /** The agent's table: chunks are taken from it, and those of this image join it. */
  readonly seeds: SeedTable;
  /** The chunk at `position` can be read from the part file, or what that has become. */
  onReadable?(position: number): void;
}

/**
 * Begins to land an image in a sparse file beside `path`; what an earlier try has left there is
 * used. Finished, it is a seed under its final name. Only one landing may be open for a path.
 * @throws KgetError `no-room`, `target-unwritable`
 */
export async function openFileLanding(options: FileLandingOptions): Promise<ImageLanding> {
  const { path, shape, seeds, title } = options;
  const part = await openPart(options);
  const sync = createPacedSync(part.fd);
  return createLanding({
    shape,
    title,
    directory: dirname(path),
    neededBytes: options.neededBytes ?? shape.sizeBytes,
    placer: createFilePlacer({
      part,
      shape,
      seeds,
      sync,
      onReadable: (position) => options.onReadable?.(position),
    }),
    index: part.index,
    ready: () => sync.ready(),
    async publish() {
      await sync.finish();
      await part.index.finish();
      // The next image is settled meanwhile, and must not fetch again what is here.
      await part.publish(() => seeds.renameFile(part.path, path));
    },
    async abandon(wish) {
      await sync.idle();
      const keepPart = wish.keepPart && !sync.hasFailed();
      if (!keepPart) seeds.forgetFile(part.path);
      await part.abandon({ keepPart });
    },
  });
}
