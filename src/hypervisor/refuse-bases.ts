import { join } from 'node:path';
import { KgetError } from '../base/error.ts';

/**
 * Files that disks of a machine start from, as those of a restored one do, must not be written by a
 * snapshot of it. `bases`: by disk, where it starts from.
 * @throws KgetError `usage` for a directory in which the snapshot's files would take their place
 */
export function refuseBases(
  vm: string,
  bases: ReadonlyMap<string, string>,
  directory: string,
): void {
  const files = new Set([...bases.keys()].map((disk) => join(directory, `${disk}.raw`)));
  for (const [disk, path] of bases) {
    if (!files.has(path)) continue;
    throw new KgetError(
      'usage',
      `Cannot take a snapshot of machine "${vm}" in ${directory}: its disk "${disk}" starts from ` +
        `${path}, which would be overwritten; take it in another directory`,
    );
  }
}
