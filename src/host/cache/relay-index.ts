import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { KgetError } from '../../base/error.ts';
import { DIGEST_BYTES, type ImageIndex, type ImageShape } from '../../content/image.ts';
import { readDigests } from '../../content/index-entries.ts';
import { createIndexWaiters } from '../../content/index-waiters.ts';
import { createIndexWriter, type IndexWriter } from '../../content/index-writer.ts';
import type { OpenFiles } from '../../content/open-files.ts';
import { chunkCountOf } from '../../content/shape.ts';

/** Digests that are hashed at once: 1 MiB. */
const HASHED_DIGESTS = 32_768;

/** The index of an image on its way here: digests as its senders tell them, kept on disk. */
export interface RelayIndex extends ImageIndex {
  /**
   * Digests from `first` on, packed; a later sender tells the first ones again.
   * @throws KgetError `corrupt` if it tells others
   */
  told(first: number, packed: Buffer): void;
  /** SHA-256 over all digests, hexadecimal; undefined while some are missing. */
  digest(): string | undefined;
  /** The image's own index is in its place. */
  finish(): void;
  /** No more will come. */
  fail(failure: KgetError): void;
}

export interface RelayIndexOptions {
  readonly shape: ImageShape;
  readonly title: string;
  /** For a file of digests, which has no name any more when this returns. */
  readonly scratchPath: string;
  /** Where the image's own index will be. */
  readonly indexPath: string;
  readonly files: OpenFiles;
}

/** @throws Error the system's */
export function openRelayIndex(options: RelayIndexOptions): RelayIndex {
  const { shape, title, scratchPath, indexPath, files } = options;
  const chunkCount = chunkCountOf(shape);
  const digests: IndexWriter = createIndexWriter(scratchPath, shape);
  rmSync(scratchPath);
  const waiters = createIndexWaiters(indexPath);
  let isFinished = false;
  let failed: KgetError | undefined;

  const known = (): number => (isFinished ? chunkCount : digests.count());

  return {
    chunkCount,
    known,
    read(first, count) {
      if (failed !== undefined) throw failed;
      if (!isFinished) return digests.read(first, count);
      const found = readDigests(files.descriptor(indexPath), first, count);
      if (found?.length === count * DIGEST_BYTES) return found;
      throw new KgetError('corrupt', `Cannot use index ${indexPath}: found it cut short`);
    },
    async waitFor(position, signal) {
      if (position >= known()) await waiters.wait(position, signal);
    },
    told(first, packed) {
      const again = Math.min(digests.count() - first, packed.length / DIGEST_BYTES);
      const old = packed.subarray(0, again * DIGEST_BYTES);
      if (again > 0 && !digests.read(first, again).equals(old)) {
        const found = 'one sender told other digests than another';
        throw new KgetError('corrupt', `Cannot take ${title} in: ${found}; start again`);
      }
      digests.append(packed.subarray(old.length));
      waiters.wake(digests.count());
    },
    digest: () => (digests.count() === chunkCount ? digestOfAll(digests) : undefined),
    finish() {
      isFinished = true;
      digests.close();
      waiters.wake(chunkCount);
    },
    fail(failure) {
      failed = failure;
      digests.close();
      waiters.fail(failure);
    },
  };
}

function digestOfAll(digests: IndexWriter): string {
  const hash = createHash('sha256');
  for (let first = 0; first < digests.count(); first += HASHED_DIGESTS) {
    hash.update(digests.read(first, Math.min(HASHED_DIGESTS, digests.count() - first)));
  }
  return hash.digest('hex');
}
