import { closeSync, constants, fstatSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeDirectory, publish, syncData } from './durable.ts';
import type { ImageShape } from './image.ts';
import { createIndexWriter, type IndexWriter } from './index-writer.ts';
import { ensureRoom, storeFailure } from './room.ts';
import { indexPathOf } from './seed-file.ts';

/** Where an image is put together: a sparse file beside its final place, and its index. */
export interface PartFile {
  readonly path: string;
  readonly fd: number;
  readonly index: IndexWriter;
  /** Bytes from the start that an earlier try may have written; 0 for a new file. */
  readonly reusedBytes: number;
  /**
   * Gives the synced file and its ended index their final names, durably, and closes them;
   * `onRenamed` is called as soon as the file has its own.
   */
  publish(onRenamed: () => void): Promise<void>;
  /** Closes the file; keeps it for another try, or removes it. Idempotent. */
  abandon(options: { readonly keepPart: boolean }): Promise<void>;
}

export interface PartOptions {
  /** The final path of the image; its index will be `<path>.caibx`. */
  readonly path: string;
  readonly shape: ImageShape;
  /** The image in error messages, e.g. `image "disk.qcow2" from node07`. */
  readonly title: string;
  /**
   * Bytes that the image will take on disk, if known: there must be room for what is not there yet.
   */
  readonly neededBytes?: number;
}

/** The name under which the image for `path` is put together. */
export function partPathOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.kgetplus-part`);
}

/**
 * Opens the part file for an image: a new one, or that of an earlier try.
 * @throws KgetError `no-room`, `target-unwritable`
 */
export async function openPart(options: PartOptions): Promise<PartFile> {
  const { path, shape, title } = options;
  const directory = dirname(path);
  const partPath = partPathOf(path);
  const stored = { title, directory, neededBytes: options.neededBytes ?? shape.sizeBytes };
  let fd: number | undefined;
  try {
    await makeDirectory(directory);
    const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
    fd = openSync(partPath, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
    const { size, blocks } = fstatSync(fd);
    if (options.neededBytes !== undefined) {
      ensureRoom({ ...stored, neededBytes: Math.max(options.neededBytes - blocks * 512, 0) });
    }
    ftruncateSync(fd, shape.sizeBytes);
    const index = createIndexWriter(indexPathOf(partPath), shape);
    return partFile({ path, partPath, fd, index, reusedBytes: Math.min(size, shape.sizeBytes) });
  } catch (error) {
    if (fd !== undefined) discard(fd, partPath);
    throw storeFailure(error, stored);
  }
}

/** Closes a part that could not be used; what an earlier try has left in it stays. */
function discard(fd: number, partPath: string): void {
  const { blocks } = fstatSync(fd);
  closeSync(fd);
  if (blocks === 0) rmSync(partPath, { force: true });
}

function partFile(opened: {
  readonly path: string;
  readonly partPath: string;
  readonly fd: number;
  readonly index: IndexWriter;
  readonly reusedBytes: number;
}): PartFile {
  const { path, partPath, fd, index } = opened;
  let open = true;
  function close(): void {
    if (open) closeSync(fd);
    open = false;
    index.close();
  }
  return {
    path: partPath,
    fd,
    index,
    reusedBytes: opened.reusedBytes,
    async publish(onRenamed) {
      close();
      await publish({
        from: partPath,
        fromIndex: indexPathOf(partPath),
        to: path,
        toIndex: indexPathOf(path),
        onRenamed,
      });
    },
    async abandon({ keepPart }) {
      const wasOpen = open;
      // Marked first: nobody else may close or write it while the sync is under way.
      open = false;
      index.close();
      let isKept = false;
      try {
        if (keepPart && wasOpen) await syncData(fd);
        isKept = keepPart;
      } finally {
        if (wasOpen) closeSync(fd);
        // An index that was not ended says nothing: the part is checked chunk by chunk.
        rmSync(indexPathOf(partPath), { force: true });
        if (!isKept) rmSync(partPath, { force: true });
      }
    },
  };
}
