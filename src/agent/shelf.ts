import type { ServedImage } from '../content/image.ts';
import { openIndex, type StoredIndex } from '../content/index-reader.ts';
import type { OpenFiles } from '../content/open-files.ts';
import { indexPathOf } from '../content/seed-file.ts';
import type { ImageName } from '../control/messages.ts';
import { fileImage } from '../source/file-image.ts';
import { identify } from '../source/source-file.ts';
import type { Spool } from './spool.ts';

export interface ShelfOptions {
  readonly spool: Spool;
  readonly files: OpenFiles;
  /** Takes the images by their id. */
  readonly served: Map<string, ServedImage>;
}

/** The complete images in a spool, as they are served. */
export interface Shelf {
  /** Serves an image that lies complete in the spool. @throws KgetError `corrupt` */
  takeIn(image: ImageName): Promise<void>;
  /** Serves all that lie there; those that cannot be served become warnings. */
  takeInAll(): Promise<{ readonly images: ImageName[]; readonly warnings: string[] }>;
  drop(image: string): void;
  close(): void;
}

export function createShelf({ spool, files, served }: ShelfOptions): Shelf {
  const indexes = new Map<string, StoredIndex>();

  async function takeIn(image: ImageName): Promise<void> {
    const path = spool.pathOf(image);
    const index = await openIndex(indexPathOf(path));
    indexes.get(image.id)?.close();
    indexes.set(image.id, index);
    const shape = index.shape;
    served.set(image.id, fileImage({ identity: identify(path), index, ...shape, files }));
  }

  return {
    takeIn,
    async takeInAll() {
      const images: ImageName[] = [];
      const warnings: string[] = [];
      for (const image of spool.kept()) {
        try {
          if (!indexes.has(image.id)) await takeIn(image);
          images.push(image);
        } catch (error) {
          warnings.push(`ignored ${image.id} in the spool: ${String(error)}`);
        }
      }
      return { images, warnings };
    },
    drop(image) {
      served.delete(image);
      indexes.get(image)?.close();
      indexes.delete(image);
      spool.drop(image);
    },
    close() {
      for (const index of indexes.values()) index.close();
    },
  };
}
