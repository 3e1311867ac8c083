import { appendFileSync, copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HostFile } from './store-files.ts';

/** What a guest did to its disk after it was cloned. */
export interface GuestRun {
  /** Files that it wrote. */
  readonly written: readonly HostFile[];
  /** Files of the base that it removed; their blocks keep their bytes. */
  readonly removed: readonly HostFile[];
  /** Files of the base that it wrote anew, longer. */
  readonly replaced: readonly HostFile[];
  /** Files of the base that it read, which changes their inodes. */
  readonly read: readonly HostFile[];
}

/** Of so many files of the base one is removed, one replaced, and one read. */
const REMOVED_ONE_OF = 100;
const REPLACED_ONE_OF = 75;
const READ_ONE_OF = 20;

/** Larger files are seldom edited. */
const REPLACED_MAX_BYTES = 256 * 1024;

/** What the guest of image number `image` does; each chooses other files of the base. */
export function guestRun(
  base: readonly HostFile[],
  written: readonly HostFile[],
  image: number,
): GuestRun {
  const every = (oneOf: number, shift: number): HostFile[] =>
    base.filter((_, place) => (place + 7 * image) % oneOf === shift);
  const removed = every(REMOVED_ONE_OF, 1);
  const kept = (file: HostFile): boolean => !removed.includes(file);
  const replaced = every(REPLACED_ONE_OF, 2).filter(
    (file) => kept(file) && file.sizeBytes <= REPLACED_MAX_BYTES,
  );
  const read = every(READ_ONE_OF, 3).filter((file) => kept(file) && !replaced.includes(file));
  return { written, removed, replaced, read };
}

/**
 * The commands of debugfs(8) that do it. New files get free blocks, so that all others stay where
 * they are. `longerFile` names a file of this machine with the new content of a replaced one.
 */
export function guestScript(
  run: GuestRun,
  image: number,
  longerFile: (file: HostFile) => string,
): string {
  // Seconds since 1970, another moment for each image and file.
  const atime = (place: number): string => `@${1_700_000_000 + image * 86_400 + place}`;
  const lines = [
    ...run.removed.map(({ path }) => `rm ${path}`),
    ...run.replaced.flatMap((file) => [
      `rm ${file.path}`,
      `write ${longerFile(file)} ${file.path}`,
    ]),
    ...run.read.map(({ path }, place) => `set_inode_field ${path} atime ${atime(place)}`),
    'mkdir /own',
    ...run.written.map(({ path }, place) => `write ${path} /own/${place}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Writes the new content of replaced files: the old one and a line; returns where it is. */
export function writeLonger(
  directory: string,
  run: GuestRun,
  image: number,
): (file: HostFile) => string {
  mkdirSync(directory);
  const paths = new Map<HostFile, string>();
  for (const [place, file] of run.replaced.entries()) {
    const path = join(directory, `${place}`);
    copyFileSync(file.path, path);
    appendFileSync(path, `changed by guest ${image}\n`);
    paths.set(file, path);
  }
  return (file) => {
    const path = paths.get(file);
    if (path === undefined) throw new Error(`${file.path} is not replaced`);
    return path;
  };
}
