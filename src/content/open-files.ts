import { closeSync, openSync } from 'node:fs';

/** How many files that are only read now and then stay open. */
const MAX_OPEN_FILES = 16;

/** A few files kept open for reading, the least recently used one closed first. */
export interface OpenFiles {
  /**
   * A descriptor of `path`, good until the next call. It may be of a file that has been replaced or
   * removed since. @throws Error the operating system's, if the file cannot be opened
   */
  descriptor(path: string): number;
  /** Closes `path` if it is open. */
  forget(path: string): void;
  close(): void;
}

export function createOpenFiles(limit: number = MAX_OPEN_FILES): OpenFiles {
  /** In order of use: a Map iterates in the order of insertion. */
  const open = new Map<string, number>();
  const forget = (path: string): void => {
    const fd = open.get(path);
    if (fd === undefined) return;
    open.delete(path);
    closeSync(fd);
  };
  return {
    descriptor(path) {
      const known = open.get(path);
      if (known !== undefined) {
        open.delete(path);
        open.set(path, known);
        return known;
      }
      const [oldest] = open.keys();
      if (oldest !== undefined && open.size >= limit) forget(oldest);
      const fd = openSync(path, 'r');
      open.set(path, fd);
      return fd;
    },
    forget,
    close() {
      for (const path of open.keys()) forget(path);
    },
  };
}
