import { basename, join } from 'node:path';
import { chunkFileOf } from '../content/chunk-name.ts';
import type { StorePlace } from '../store/store-place.ts';
import type { TrashBatch } from '../store/trash.ts';
import { indexFilesBelow, type IndexFiles } from './index-files.ts';
import { eachDigest, type Marks } from './mark.ts';
import { bringBack } from './sweep.ts';

export interface NewcomerOptions {
  readonly place: StorePlace;
  /** Where chunks were set aside. */
  readonly batch: TrashBatch;
  /** By which they were. */
  readonly marks: Marks;
  /** The indexes that were marked. */
  readonly known: IndexFiles;
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
}

/**
 * Brings back what indexes need that have come, or were replaced, since they were listed. Whoever
 * publishes one later sees the batch and does so itself. @throws KgetError `corrupt`,
 * `source-unreadable` if one cannot be read: then the batch is not swept until it can
 */
export async function bringBackNew(options: NewcomerOptions): Promise<void> {
  const { place, batch, marks, known, signal, onStep } = options;
  const versions = new Map(known.files.map(({ path, version }) => [path, version]));
  const { files } = indexFilesBelow(place.snapshots);
  for (const file of files.filter(({ path, version }) => versions.get(path) !== version)) {
    await eachDigest(file, signal, (digest) => {
      if (marks.isKept(digest) !== false) return;
      const aside = join(batch.directory, basename(chunkFileOf(place.chunks, digest)));
      bringBack({ place, file: aside, digest, onStep });
    });
  }
}
