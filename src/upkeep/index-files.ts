import { type Dirent, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode, toFailure } from '../base/error.ts';

/** Indexes of files and of archives; one that is still being written has a part file's name. */
const INDEX_NAME = /\.cai[bd]x(?:\.kgetplus-part)?$/;
const PART_NAME = /kgetplus-part(?:\.caibx)?$/;

/** Directories below each other that are looked into: ours are two. */
const MAX_DEPTH = 16;

/** A file that says which chunks are needed. */
export interface IndexFile {
  readonly path: string;
  /** Unlike that of any other file that has or had this path. */
  readonly version: string;
  /** It need not be whole. */
  readonly isPart: boolean;
}

export interface IndexFiles {
  readonly files: readonly IndexFile[];
  /** What may hold indexes, but could not be looked into; why. */
  readonly hidden: readonly string[];
}

/**
 * All indexes below `directory`, whoever put them there: also those that are being written, and
 * those that are no snapshots. Files that come and go meanwhile may be missing.
 */
export function indexFilesBelow(directory: string): IndexFiles {
  const files: IndexFile[] = [];
  const hidden: string[] = [];
  const pending = [{ path: directory, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const entry of entriesOf(next.path, hidden)) {
      const path = join(next.path, entry.name);
      if (entry.isDirectory()) {
        if (next.depth < MAX_DEPTH) pending.push({ path, depth: next.depth + 1 });
        else hidden.push(`${path} lies deeper than ${MAX_DEPTH} directories`);
      } else if (INDEX_NAME.test(entry.name)) {
        const file = indexFileAt(path, hidden);
        if (file !== undefined) files.push(file);
      } else if (entry.isSymbolicLink() && isDirectory(path)) {
        hidden.push(`${path} is a link to a directory; move the directory there in its place`);
      }
    }
  }
  return { files, hidden };
}

function entriesOf(directory: string, hidden: string[]): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') hidden.push(toFailure(error).message);
    return [];
  }
}

/** Undefined if it has gone meanwhile. */
function indexFileAt(path: string, hidden: string[]): IndexFile | undefined {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    const version = [dev, ino, size, mtimeNs].join(' ');
    return { path, version, isPart: PART_NAME.test(path) };
  } catch (error) {
    // A link to nothing is not gone: what it leads to may come back.
    const isGone = lstatSync(path, { throwIfNoEntry: false }) === undefined;
    if (!isGone) hidden.push(toFailure(error).message);
    return undefined;
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
