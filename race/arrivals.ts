import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Dirent } from 'node:fs';

const LOOK_EVERY_MS = 50;

/**
 * Watches the files of some directories and of the directories in them, as anybody could: when did
 * each get the shape that it had in the end? A later write changes a file's time, a replacement its
 * inode, so a file counts from the first look at which neither changed any more.
 */
export interface ArrivalWatch {
  /** Looks a last time. @returns seconds since the start, by path */
  stop(): ReadonlyMap<string, number>;
}

export interface ArrivalOptions {
  readonly directories: readonly string[];
  /** Called with the path of every file that appears. */
  readonly onNew?: (path: string) => void;
}

export function watchArrivals({ directories, onNew }: ArrivalOptions): ArrivalWatch {
  const startMs = performance.now();
  const seen = new Map<string, { shape: string; seconds: number }>();

  function look(): void {
    const seconds = (performance.now() - startMs) / 1000;
    for (const path of directories.flatMap(filesBelow)) {
      const shape = shapeOf(path);
      const before = seen.get(path);
      if (shape === undefined || before?.shape === shape) continue;
      seen.set(path, { shape, seconds });
      if (before === undefined) onNew?.(path);
    }
  }

  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return new Map([...seen].map(([path, { seconds }]) => [path, seconds]));
    },
  };
}

/** Files of a directory and of those in it, no deeper. */
function filesBelow(directory: string): readonly string[] {
  const below = (entry: Dirent): readonly string[] => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesOf(entriesOf(path)) : filesOf([entry]);
  };
  return entriesOf(directory).flatMap(below);
}

function filesOf(entries: readonly Dirent[]): readonly string[] {
  return entries.filter((entry) => entry.isFile()).map((it) => join(it.parentPath, it.name));
}

function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    // Not there yet, or not any more.
    return [];
  }
}

function shapeOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.ino} ${found.size} ${found.mtimeNs}`;
}
