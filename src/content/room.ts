import { realpathSync, statSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { KgetError, systemCode } from '../base/error.ts';
import { formatSize } from '../base/units.ts';

/** Something that is to be stored, for error messages. */
export interface Stored {
  /** What it is, e.g. `image "disk.qcow2" from node07`. */
  readonly title: string;
  readonly directory: string;
  /** What is still to be written, as far as is known. */
  readonly neededBytes: number;
}

/** Bytes that an ordinary user can still write in the file system of `directory`. */
export function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** @throws KgetError `no-room` if the file system has less free than `neededBytes` */
export function ensureRoom(stored: Stored): void {
  if (stored.neededBytes > freeBytes(stored.directory)) throw noRoom(stored);
}

/**
 * What a failed write, open or rename means: `no-room` or `target-unwritable`. An error that is not
 * the operating system's stays what it is.
 */
export function storeFailure(error: unknown, stored: Stored): unknown {
  const code = systemCode(error);
  if (error instanceof KgetError || code === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') return noRoom(stored, error);
  const found = error instanceof Error ? error.message : String(error);
  return new KgetError(
    'target-unwritable',
    `Cannot store ${stored.title} in ${stored.directory}: ${found}; wanted a directory to write in`,
    { cause: error },
  );
}

function noRoom(stored: Stored, cause?: unknown): KgetError {
  const { title, directory } = stored;
  const needed = formatSize(stored.neededBytes);
  const free = formatSize(freeBytes(directory));
  return new KgetError(
    'no-room',
    `Cannot store ${title}: ${needed} needed, ${free} free on ${mountPoint(directory)}`,
    { cause },
  );
}

/** The topmost directory of the file system that `directory` lies in. */
function mountPoint(directory: string): string {
  let path = realpathSync(directory);
  const device = statSync(path).dev;
  while (path !== '/' && statSync(dirname(path)).dev === device) path = dirname(path);
  return path;
}
