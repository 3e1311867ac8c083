import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { systemCode } from '../base/error.ts';

/** Others may remove empty directories while they are made: each time one must be quick. */
const MAX_TRIES = 10;

/**
 * Makes `directory` and whatever is missing above it; returns what it made, the topmost first. One
 * step after the other, since mkdir's own `recursive` never returns where a file system such as
 * /proc refuses a new name with ENOENT. @throws Error the system's
 */
export function makeDirectories(directory: string, mode = 0o777): string[] {
  const path = resolve(directory);
  const made = new Set<string>();
  for (let tries = 1; ; tries += 1) {
    try {
      for (const at of missingAbove(path)) if (makeOne(at, mode)) made.add(at);
      break;
    } catch (error) {
      // Somebody else has removed a directory above, which was empty, in between.
      if (systemCode(error) !== 'ENOENT' || tries === MAX_TRIES) throw error;
    }
  }
  // Something else of that name is in the way: mkdir says what.
  if (!statSync(path).isDirectory()) mkdirSync(path);
  return [...made];
}

/** A directory and those above it that are missing, the topmost first. */
function missingAbove(path: string): string[] {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  return missing;
}

/** False if somebody else made it meanwhile. */
function makeOne(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}
