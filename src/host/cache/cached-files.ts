import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError } from '../../base/error.ts';
import { formatSize } from '../../base/units.ts';
import { openIndex, type StoredIndex } from '../../content/index-reader.ts';
import { indexPathOf } from '../../content/seed-file.ts';
import { digestBatches } from './stored-image.ts';

const DIGEST = /^[0-9a-f]{64}$/;

/** The files in the cache directory: `<digest>` and `<digest>.caibx`. */
export interface CachedFiles {
  pathOf(digest: string): string;
  /** All that lie here by their names; looked at no further. */
  digests(): readonly string[];
  /**
   * The open index of a file that is here whole: its length is the index's, and the index has the
   * digest of the name. Its bytes were verified when they came.
   */
  openWhole(digest: string): Promise<StoredIndex | undefined>;
  /** The file has been used now: others are removed before it. */
  touch(digest: string): void;
  /**
   * Removes files, the one that was used last going last, until there is room for `neededBytes`
   * within the bound. @throws KgetError `no-room` if what may be removed is not enough
   */
  makeRoom(neededBytes: number, terms: EvictionTerms): readonly string[];
  remove(digest: string): void;
}

interface EvictionTerms {
  readonly maxBytes: number;
  isInUse(digest: string): boolean;
}

/** Whether it can be the name of a file in a cache: such names come from other nodes. */
export function isDigest(name: string): boolean {
  return DIGEST.test(name);
}

export function cachedFiles(directory: string): CachedFiles {
  const pathOf = (digest: string): string => join(directory, digest);
  const digests = (): string[] => readdirSync(directory).filter(isDigest);

  function remove(digest: string): void {
    // Without its index the file is nothing: what is left of a removal does no harm.
    rmSync(indexPathOf(pathOf(digest)), { force: true });
    rmSync(pathOf(digest), { force: true });
  }

  return {
    pathOf,
    digests,
    remove,
    async openWhole(digest) {
      const sizeBytes = statSync(pathOf(digest), { throwIfNoEntry: false })?.size;
      if (sizeBytes === undefined) return undefined;
      const index = await openIndex(indexPathOf(pathOf(digest))).catch(() => undefined);
      if (index === undefined) return undefined;
      if (index.shape.sizeBytes === sizeBytes && digestOf(index) === digest) return index;
      index.close();
      return undefined;
    },
    touch(digest) {
      // The system notes the time of the change, by its own clock.
      chmodSync(indexPathOf(pathOf(digest)), 0o600);
    },
    makeRoom(neededBytes, { maxBytes, isInUse }) {
      const files = digests().map((digest) => looked(digest, pathOf(digest)));
      let takenBytes = files.reduce((sum, file) => sum + file.bytes, 0);
      const removed: string[] = [];
      const removable = files.filter(({ digest }) => !isInUse(digest));
      for (const { digest, bytes } of removable.toSorted((a, b) => a.usedMs - b.usedMs)) {
        if (takenBytes + neededBytes <= maxBytes) break;
        remove(digest);
        removed.push(digest);
        takenBytes -= bytes;
      }
      if (takenBytes + neededBytes <= maxBytes) return removed;
      const found = `${formatSize(takenBytes)} of ${formatSize(maxBytes)} are taken and in use`;
      throw new KgetError(
        'no-room',
        `Cannot take a file of ${formatSize(neededBytes)} into the cache ${directory}: ${found}; ` +
          'end machines there, or allow more',
      );
    },
  };
}

interface LookedFile {
  readonly digest: string;
  readonly bytes: number;
  readonly usedMs: number;
}

function looked(digest: string, path: string): LookedFile {
  const file = statSync(path, { throwIfNoEntry: false });
  const index = statSync(indexPathOf(path), { throwIfNoEntry: false });
  return { digest, bytes: (file?.blocks ?? 0) * 512, usedMs: index?.ctimeMs ?? 0 };
}

function digestOf(index: StoredIndex): string {
  const hash = createHash('sha256');
  try {
    for (const batch of digestBatches(index)) hash.update(batch);
  } catch {
    // An index that was cut short is of no file.
    return '';
  }
  return hash.digest('hex');
}
