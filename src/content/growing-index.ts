import { dirname } from 'node:path';
import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import { DIGEST_BYTES, type ImageIndex, type ImageShape } from './image.ts';
import { readDigests } from './index-entries.ts';
import { entryOffset } from './index-format.ts';
import { createIndexWaiters, waitCancelled } from './index-waiters.ts';
import { createIndexWriter, type IndexWriter } from './index-writer.ts';
import type { OpenFiles } from './open-files.ts';
import { storeFailure } from './room.ts';
import { chunkCountOf } from './shape.ts';

/** The index of an image that is being scanned: its digests go to disk as they come. */
export interface GrowingIndex extends ImageIndex {
  readonly shape: ImageShape;
  /**
   * Appends the digests of the next chunks, packed.
   * @throws KgetError `no-room`, `target-unwritable`
   */
  append(digests: Buffer): void;
  /**
   * Ends the index: it stays readable, and the file is a complete `.caibx`.
   * @throws KgetError `no-room`, `target-unwritable`
   */
  complete(): Promise<void>;
  /** The scan failed: waiting, now or later, throws `failure`. */
  fail(failure: KgetError): void;
  /** Gives the index up: waiting throws `cancelled`. Leaves the file. Idempotent. */
  close(): void;
}

/**
 * The index of an image that is to be scanned, kept in a file at `path` from the first digest on;
 * it is read through `files` once complete.
 */
export function growIndex(options: {
  readonly path: string;
  readonly shape: ImageShape;
  readonly files: OpenFiles;
}): GrowingIndex {
  const { path, shape, files } = options;
  const chunkCount = chunkCountOf(shape);
  const neededBytes = entryOffset(chunkCount);
  const stored = { title: `index ${path}`, directory: dirname(path), neededBytes };
  const waiters = createIndexWaiters(path);
  let writer: IndexWriter | undefined;
  let failed = false;
  let complete = false;

  /** The file is begun with the scan: an agent may have thousands of images in line for it. */
  function begun(): IndexWriter {
    writer ??= createIndexWriter(path, shape);
    return writer;
  }
  function known(): number {
    return complete ? chunkCount : (writer?.count() ?? 0);
  }

  function fail(failure: KgetError): void {
    failed = true;
    waiters.fail(failure);
  }
  return {
    shape,
    chunkCount,
    known,
    read(first, count) {
      assert(first >= 0 && first + count <= known(), `chunk ${first} is not known`);
      if (!complete) return begun().read(first, count);
      const digests = readDigests(files.descriptor(path), first, count);
      if (digests?.length === count * DIGEST_BYTES) return digests;
      throw new KgetError('corrupt', `Cannot use index ${path}: found it cut short`);
    },
    async waitFor(position, signal) {
      assert(position < chunkCount, `chunk ${position} is beyond the image`);
      if (failed || position >= known()) await waiters.wait(position, signal);
    },
    append(digests) {
      try {
        begun().append(digests);
      } catch (error) {
        throw storeFailure(error, stored);
      }
      waiters.wake(known());
    },
    async complete() {
      try {
        await begun().finish();
      } catch (error) {
        throw storeFailure(error, stored);
      }
      complete = true;
      writer?.close();
      writer = undefined;
    },
    fail,
    close() {
      fail(waitCancelled(path));
      writer?.close();
      files.forget(path);
    },
  };
}
