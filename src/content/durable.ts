import {
  close,
  closeSync,
  fdatasync,
  fsync,
  fsyncSync,
  open,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { open as openHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { systemCode } from '../base/error.ts';
import { makeDirectories } from './directories.ts';

const openFile = promisify(open);
const closeFile = promisify(close);
const syncFile = promisify(fsync);

/** Makes the data of an open file durable, and as much of its metadata as reading it back needs. */
export const syncData: (fd: number) => Promise<void> = promisify(fdatasync);

/** Makes the names in `directory` durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const fd = await openFile(directory, 'r');
  try {
    await syncFile(fd);
  } finally {
    await closeFile(fd);
  }
}

/** Makes `directory` and whatever is missing above it, durably. */
export async function makeDirectory(directory: string): Promise<void> {
  for (const fresh of makeDirectories(directory)) {
    await syncDirectory(dirname(fresh)).catch(ignoreForeign);
  }
}

/** As `makeDirectory`, for where nothing else is to happen meanwhile. */
export function makeDirectoryNow(directory: string, mode?: number): void {
  for (const fresh of makeDirectories(directory, mode)) {
    try {
      syncDirectoryNow(dirname(fresh));
    } catch (error) {
      ignoreForeign(error);
    }
  }
}

/** As `syncDirectory`, at once. */
export function syncDirectoryNow(directory: string): void {
  const fd = openSync(directory, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A directory that we may not read is not one in which we have made anything. */
function ignoreForeign(error: unknown): void {
  if (systemCode(error) !== 'EACCES') throw error;
}

/** Writes a small file in the place of an older one, durably and all at once. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const fresh = `${path}.kgetplus-new`;
  {
    await using file = await openHandle(fresh, 'w', 0o600);
    await file.writeFile(text);
    await file.datasync();
  }
  renameSync(fresh, path);
  await syncDirectory(dirname(path));
}

/** A complete and synced file and its index, and the names that both are to get. */
export interface Publication {
  readonly from: string;
  readonly fromIndex: string;
  readonly to: string;
  readonly toIndex: string;
  /** Called in the moment in which the file has its new name: whoever reads it needs that at once. */
  readonly onRenamed: () => void;
}

/**
 * Gives a file and its index their final names, in the place of older ones. Whenever the machine
 * stops, an index that is there describes the file beside it: the old index goes first, the new one
 * comes last. Both names must be in one directory.
 */
export async function publish(publication: Publication): Promise<void> {
  const directory = dirname(publication.to);
  rmSync(publication.toIndex, { force: true });
  await syncDirectory(directory);
  renameSync(publication.from, publication.to);
  publication.onRenamed();
  // The new index must not become durable before the file that it describes.
  await syncDirectory(directory);
  renameSync(publication.fromIndex, publication.toIndex);
  await syncDirectory(directory);
}
