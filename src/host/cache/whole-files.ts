import { existsSync } from 'node:fs';
import type { StoredIndex } from '../../content/index-reader.ts';
import type { OpenFiles } from '../../content/open-files.ts';
import { fileImage } from '../../source/file-image.ts';
import { identify } from '../../source/source-file.ts';
import type { CachedFiles } from './cached-files.ts';
import type { Shelf } from './shelf.ts';

/** Files of the cache that are here whole, and that somebody has asked for since it was opened. */
export interface WholeFiles {
  /** Gives the file to others, if it is here whole; whether it is. */
  offer(digest: string): Promise<boolean>;
  /** The file has just come, and is given to others already. */
  add(digest: string): void;
  has(digest: string): boolean;
  close(): void;
}

export function createWholeFiles(options: {
  readonly images: CachedFiles;
  readonly shelf: Shelf;
  readonly files: OpenFiles;
  readonly chunkSizeBytes: number;
}): WholeFiles {
  const { images, shelf, files, chunkSizeBytes } = options;
  const whole = new Set<string>();
  const indexes = new Set<StoredIndex>();

  function put(digest: string, index: StoredIndex): void {
    const path = images.pathOf(digest);
    const image = fileImage({ identity: identify(path), index, chunkSizeBytes, files });
    indexes.add(index);
    whole.add(digest);
    images.touch(digest);
    shelf.put(digest, image);
  }
  return {
    async offer(digest) {
      if (whole.has(digest) && existsSync(images.pathOf(digest))) return true;
      whole.delete(digest);
      const index = await images.openWhole(digest);
      if (index === undefined) return false;
      const isOurs = index.shape.chunkSizeBytes === chunkSizeBytes;
      // Another caller may have been faster.
      if (isOurs && !whole.has(digest)) put(digest, index);
      else index.close();
      return isOurs;
    },
    add: (digest) => whole.add(digest),
    has: (digest) => whole.has(digest),
    close() {
      for (const index of indexes) index.close();
      indexes.clear();
    },
  };
}
