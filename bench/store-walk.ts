import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';

/** A file or directory, as lstat(2) sees it. */
export interface Entry {
  readonly path: string;
  readonly status: Stats;
}

/**
 * Everything below a directory, in the order of names. Follows no links, unlike `readdirSync` with `recursive`: Debian has
 * directories with a link to themselves.
 */
export function* entriesBelow(directory: string): Generator<Entry> {
  for (const name of readdirSync(directory).toSorted()) {
    const path = join(directory, name);
    const status = lstatSync(path);
    yield { path, status };
    if (status.isDirectory()) yield* entriesBelow(path);
  }
}
