import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { systemCode } from '../base/error.ts';

/** Others may remove empty directories while they are made: each time one must be quick. */
const MAX_TRIES = 10;

/**
 * Makes `directory` and whatever is missing above it. Returns directories whose names may not be
 * durable yet, the topmost first: the last one that was there, since whoever made it may have been
 * stopped right then, and what was made. One step after the other, since mkdir's own `recursive`
 * never returns where a file system such as /proc refuses a new name with ENOENT.
 * @throws Error the system's
 */
export function makeDirectories(directory: string, mode = 0o777): string[] {
  const path = resolve(directory);
  const fresh = new Set<string>();
  for (let tries = 1; ; tries += 1) {
    try {
      const missing = missingAbove(path);
      fresh.add(missing[0] === undefined ? path : dirname(missing[0]));
      for (const at of missing) {
        makeOne(at, mode);
        fresh.add(at);
      }
      break;
    } catch (error) {
      // Somebody else has removed a directory above, which was empty, in between.
      if (systemCode(error) !== 'ENOENT' || tries === MAX_TRIES) throw error;
    }
  }
  // Something else of that name is in the way: mkdir says what.
  if (!statSync(path).isDirectory()) mkdirSync(path);
  return [...fresh];
}

/** A directory and those above it that are missing, the topmost first. */
function missingAbove(path: string): string[] {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  return missing;
}

/** Somebody else may make it at the same moment. */
function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}
