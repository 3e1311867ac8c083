import { join } from 'node:path';
import { KgetError } from '../../base/error.ts';
import type { ImageShape, ServedImage } from '../../content/image.ts';
import { openIndex, type StoredIndex } from '../../content/index-reader.ts';
import type { OpenFiles } from '../../content/open-files.ts';
import type { DeployedFile } from '../../control/host-calls.ts';
import { hashFile } from './hash-file.ts';
import type { Shelf } from './shelf.ts';
import { storedImage } from './stored-image.ts';

/** Files of stores and of this host that are given to others at once. */
const MAX_SOURCES = 256;

export interface StoredFile {
  readonly file: DeployedFile;
  readonly store: string;
  readonly indexPath: string;
}

/** Files that are given to others and do not belong to the cache. */
export interface Sources {
  /** @throws KgetError `usage`, `corrupt`, `source-unreadable` */
  serveStored(stored: StoredFile): Promise<void>;
  /** @throws KgetError `usage`, as `hashFile` */
  serveFile(path: string, signal: AbortSignal): Promise<DeployedFile>;
  close(): void;
}

export function createSources(options: {
  readonly shelf: Shelf;
  readonly scratch: string;
  readonly chunkSizeBytes: number;
  readonly files: OpenFiles;
}): Sources {
  const { shelf, scratch, chunkSizeBytes, files } = options;
  const digests = new Set<string>();
  const indexes = new Set<StoredIndex>();
  let hashed = 0;

  function offer(digest: string, image: ServedImage): void {
    if (digests.size === MAX_SOURCES && !digests.has(digest)) {
      const found = `${MAX_SOURCES} files are given to others, which is the limit`;
      throw new KgetError('usage', `Cannot serve another file: ${found}; start another command`);
    }
    digests.add(digest);
    shelf.put(digest, image);
  }
  return {
    async serveStored({ file, store, indexPath }) {
      if (digests.has(file.digest)) return;
      const index = await openIndex(indexPath);
      indexes.add(index);
      const { chunkSizeBytes: found, sizeBytes } = index.shape;
      if (found !== chunkSizeBytes || sizeBytes !== file.sizeBytes) {
        const wanted = { sizeBytes: file.sizeBytes, chunkSizeBytes };
        throw unlike(indexPath, { found: index.shape, wanted });
      }
      offer(file.digest, storedImage({ index, store, indexPath }));
    },
    async serveFile(path, signal) {
      hashed += 1;
      const indexPath = join(scratch, `hashed-${hashed}.caibx`);
      const source = { path, indexPath, chunkSizeBytes, files };
      const { digest, image } = await hashFile({ ...source, signal });
      offer(digest, image);
      return { digest, sizeBytes: image.shape.sizeBytes };
    },
    close() {
      for (const index of indexes) index.close();
      indexes.clear();
    },
  };
}

function unlike(
  indexPath: string,
  { found, wanted }: { readonly found: ImageShape; readonly wanted: ImageShape },
): KgetError {
  const shapes = `found ${inWords(found)}, wanted ${inWords(wanted)}`;
  return new KgetError(
    'usage',
    `Cannot serve ${indexPath}: ${shapes}; deploy with its own chunk size`,
  );
}

function inWords({ sizeBytes, chunkSizeBytes }: ImageShape): string {
  return `${sizeBytes} B in chunks of ${chunkSizeBytes} B`;
}
