import type { Dirent } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { KgetError, systemCode } from '../base/error.ts';
import type { Segment } from '../base/glob.ts';
import { readFailure } from './source-file.ts';

/** Directory entries that are looked at for all patterns of a node. */
const MAX_ENTRIES = 1_000_000;

/** How many directory entries have been looked at. */
export interface EntryBudget {
  used: number;
}

export type Report = (error: unknown) => void;

export interface WalkContext {
  readonly budget: EntryBudget;
  readonly report: Report;
}

/**
 * Paths below `directory` that match the segments of a glob; what cannot be looked into is
 * reported.
 * @throws KgetError `usage` when the budget is used up
 */
export async function* walk(
  context: WalkContext,
  directory: string,
  segments: readonly Segment[],
): AsyncGenerator<string, void, void> {
  const [segment, ...rest] = segments;
  if (segment === undefined) {
    yield directory;
    return;
  }
  if (segment.kind === 'name') {
    const path = join(directory, segment.name);
    if (await exists(path).catch(context.report)) yield* walk(context, path, rest);
    return;
  }
  if (segment.kind === 'deep' && rest.length > 0) yield* walk(context, directory, rest);
  for await (const entry of list(context, directory)) {
    const path = join(directory, entry.name);
    if (segment.kind === 'match') {
      if (segment.matches(entry.name)) yield* walk(context, path, rest);
    } else if (!entry.name.startsWith('.')) {
      // Links are not followed by `**`: they may lead round in a circle.
      if (entry.isDirectory()) yield* walk(context, path, segments);
      else if (rest.length === 0) yield path;
    }
  }
}

/** The entries of a directory; none if it is something else. */
async function* list(context: WalkContext, directory: string): AsyncGenerator<Dirent, void, void> {
  try {
    for await (const entry of await opendir(directory)) {
      context.budget.used += 1;
      if (context.budget.used > MAX_ENTRIES) throw tooMany(directory);
      yield entry;
    }
  } catch (error) {
    if (error instanceof KgetError) throw error;
    if (!isAbsence(error)) context.report(readFailure(directory, error));
  }
}

/** True if `path` names anything. @throws KgetError `source-unreadable` if we may not know */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw readFailure(path, error);
  }
}

/** True for the errors that say that there is no such file. */
function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'].includes(systemCode(error) ?? '');
}

function tooMany(directory: string): KgetError {
  return new KgetError(
    'usage',
    `Cannot look through "${directory}": found more than ${MAX_ENTRIES} files in all, wanted a ` +
      'pattern that names fewer',
  );
}
