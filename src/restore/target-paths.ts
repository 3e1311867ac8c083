import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { KgetError } from '../base/error.ts';
import type { Snapshot } from '../catalogue/catalogue.ts';

/** A snapshot, and the file that it is to become. */
export interface Placed {
  readonly snapshot: Snapshot;
  readonly path: string;
}

/**
 * Where snapshots are restored: one at the path `to`; several, or one into a directory, at
 * `to/NODE/NAME`. `to` is a directory if it is one, or ends with a slash.
 * @throws KgetError `usage` for a node or image whose name is not a plain one, `name-clash` if two
 * would become one file
 */
export function targetPaths(snapshots: readonly Snapshot[], to: string): readonly Placed[] {
  const [first] = snapshots;
  if (snapshots.length === 1 && first !== undefined && !isDirectory(to)) {
    return [{ snapshot: first, path: resolve(to) }];
  }
  const byPath = new Map<string, Snapshot>();
  for (const snapshot of snapshots) {
    const parts = [plainName(snapshot, 'node'), plainName(snapshot, 'name')];
    const path = join(resolve(to), ...parts);
    const other = byPath.get(path);
    if (other !== undefined) {
      const advice = 'select one run, e.g. latest, or restore them one by one';
      throw new KgetError(
        'name-clash',
        `Cannot restore ${other.id} and ${snapshot.id} at once: both would become ${path}; ${advice}`,
      );
    }
    byPath.set(path, snapshot);
  }
  return [...byPath].map(([path, snapshot]) => ({ snapshot, path }));
}

/** A name of one file or directory: nothing that leads elsewhere. @throws KgetError `usage` */
function plainName(snapshot: Snapshot, part: 'node' | 'name'): string {
  const name = snapshot[part];
  if (name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)) return name;
  const advice = 'wanted a plain name; give --to a file';
  throw new KgetError('usage', `Cannot make a file of ${JSON.stringify(snapshot.id)}: ${advice}`);
}

function isDirectory(path: string): boolean {
  return path.endsWith('/') || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
