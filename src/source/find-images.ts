import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Failure, KgetError, toFailure } from '../base/error.ts';
import { expandBraces, parseGlob } from '../base/glob.ts';
import { readFailure } from './source-file.ts';
import { type EntryBudget, exists, type Report, walk } from './walk.ts';

/** Images that one node may have in a run. */
const MAX_IMAGES = 10_000;

/** A regular file (or a symbolic link to one) that a pattern matched. */
interface FoundImage {
  /** Absolute. */
  readonly path: string;
  readonly sizeBytes: number;
  /** What the file system has allocated to it; less than its size if it is sparse. */
  readonly allocatedBytes: number;
}

/** What is wrong with a pattern, or with something that it matched. */
interface FindProblem {
  readonly pattern: string;
  readonly failure: Failure;
}

export interface FoundImages {
  /** Each path once, sorted. */
  readonly images: readonly FoundImage[];
  readonly problems: readonly FindProblem[];
}

interface Search {
  readonly images: Map<string, FoundImage>;
  readonly maxImages: number;
  readonly budget: EntryBudget;
}

/**
 * Finds the files that paths and globs name, from `home` on where they are relative. Never throws
 * for what is on disk: whatever cannot be gathered is among the problems (`no-match`,
 * `source-unreadable`, `usage`).
 */
export async function findImages(options: {
  readonly patterns: readonly string[];
  readonly home: string;
  readonly maxImages?: number;
}): Promise<FoundImages> {
  const images = new Map<string, FoundImage>();
  const search: Search = {
    images,
    maxImages: options.maxImages ?? MAX_IMAGES,
    budget: { used: 0 },
  };
  const problems: FindProblem[] = [];
  for (const pattern of options.patterns) {
    const report = (error: unknown): void => {
      problems.push({ pattern, failure: toFailure(error) });
    };
    try {
      await findPattern(search, { pattern, home: options.home }, report);
    } catch (error) {
      report(error);
    }
  }
  const paths = [...images.keys()].sort();
  return { images: paths.flatMap((path) => images.get(path) ?? []), problems };
}

async function findPattern(
  search: Search,
  place: { readonly pattern: string; readonly home: string },
  report: Report,
): Promise<void> {
  const { pattern, home } = place;
  // A name that looks like a glob, such as `disk[1].img`, is that file first of all.
  const plain = absolute(pattern, home);
  if (await exists(plain)) {
    await take(search, plain, report);
    return;
  }
  let findings = 0;
  const counted: Report = (error) => {
    findings += 1;
    report(error);
  };
  for (const alternative of expandBraces(pattern)) {
    const segments = parseGlob(absolute(alternative, home));
    for await (const path of walk({ budget: search.budget, report: counted }, '/', segments)) {
      findings += 1;
      await take(search, path, report);
    }
  }
  if (findings > 0) return;
  throw new KgetError('no-match', `Cannot find "${pattern}": found nothing, wanted a file`);
}

/** Adds a match to the images, or reports why it cannot be one. */
async function take(search: Search, path: string, report: Report): Promise<void> {
  if (search.images.has(path)) return;
  const { maxImages } = search;
  if (search.images.size >= maxImages) {
    throw new KgetError('usage', `Cannot gather "${path}": wanted at most ${maxImages} images`);
  }
  try {
    const found = await stat(path);
    if (!found.isFile()) throw notRegular(path, found.isDirectory());
    await access(path, constants.R_OK);
    const allocatedBytes = found.blocks * 512;
    search.images.set(path, { path, sizeBytes: found.size, allocatedBytes });
  } catch (error) {
    report(error instanceof KgetError ? error : readFailure(path, error));
  }
}

/** `path` from the root on; `~` is `home`. */
function absolute(path: string, home: string): string {
  return resolve(home, path.replace(/^~(?=\/|$)/, '.'));
}

function notRegular(path: string, isDirectory: boolean): KgetError {
  const found = isDirectory ? 'a directory' : 'something else than a file';
  const advice = isDirectory ? ` (try "${path}/*")` : '';
  return new KgetError(
    'source-unreadable',
    `Cannot gather "${path}": found ${found}, wanted a regular file${advice}`,
  );
}
