import { lstatSync } from 'node:fs';
import { entriesBelow } from './store-walk.ts';

/** What a directory takes up. */
export interface DiskUse {
  /** The lengths of all files. */
  readonly fileBytes: number;
  /** What the file system gave files and directories, in whole blocks. */
  readonly allocatedBytes: number;
  readonly files: number;
}

const SECTOR_BYTES = 512;

/** Adds up a directory and all below it. */
export function diskUse(directory: string): DiskUse {
  let fileBytes = 0;
  let files = 0;
  let allocatedBytes = lstatSync(directory).blocks * SECTOR_BYTES;
  for (const { status } of entriesBelow(directory)) {
    allocatedBytes += status.blocks * SECTOR_BYTES;
    if (!status.isFile()) continue;
    fileBytes += status.size;
    files += 1;
  }
  return { fileBytes, allocatedBytes, files };
}
