import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { systemCode } from '../base/error.ts';

/**
 * Makes `directory` and whatever is missing above it; returns what it made, the topmost first. One
 * step after the other, since mkdir's own `recursive` never returns where a file system such as
 * /proc refuses a new name with ENOENT. @throws Error the system's
 */
export function makeDirectories(directory: string, mode = 0o777): string[] {
  const path = resolve(directory);
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  const made = missing.filter((at) => makeOne(at, mode));
  // Something else of that name is in the way: mkdir says what.
  if (!statSync(path).isDirectory()) mkdirSync(path);
  return made;
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
