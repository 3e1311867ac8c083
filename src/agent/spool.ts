import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError, systemCode } from '../base/error.ts';
import { makeDirectories } from '../content/directories.ts';
import { replaceFile } from '../content/durable.ts';
import { partPathOf } from '../content/part-file.ts';
import { openFileLanding } from '../content/file-landing.ts';
import { indexPathOf } from '../content/seed-file.ts';
import type { SeedTable } from '../content/seed-table.ts';
import { imageName, type ImageName } from '../control/messages.ts';
import type { ImagePlace } from './image-place.ts';
import { titleOf } from './target-names.ts';

const NAME_SUFFIX = '.json';

export interface SpoolOptions {
  /** The spool of this user on this host. */
  readonly root: string;
  /** The target directory that the images are on their way to: see `Configuration`. */
  readonly targetKey: string;
  /** This agent's node: several agents may share a host. */
  readonly node: string;
  /** The agent's table: what lands in the spool joins it. */
  readonly seeds: SeedTable;
}

/** A keeper's spool, and room for the indexes of its own images. */
export interface Spool extends ImagePlace {
  /** A directory for files of this run only; emptied when the spool is opened and closed. */
  readonly scratch: string;
  /** The file that `image` becomes. */
  pathOf(image: ImageName): string;
}

/**
 * Opens the spool: `<root>/<target key>/<node>/<hash>.image` with its index, and with the image's
 * name in `<hash>.image.json`, written last. @throws KgetError `target-unwritable`
 */
export function openSpool({ root, targetKey, node, seeds }: SpoolOptions): Spool {
  const home = join(root, targetKey);
  const directory = join(home, directoryName(node));
  const scratch = join(directory, 'scratch');
  makeEmpty(scratch);

  function pathOf(id: string): string {
    return join(directory, `${createHash('sha256').update(id).digest('hex').slice(0, 32)}.image`);
  }
  function drop(id: string): void {
    const path = pathOf(id);
    const files = [path + NAME_SUFFIX, indexPathOf(path), path, partPathOf(path)];
    for (const file of [...files, indexPathOf(partPathOf(path))]) rmSync(file, { force: true });
  }

  return {
    directory,
    scratch,
    pathOf: ({ id }) => pathOf(id),
    land: (image, options) =>
      openFileLanding({ ...options, path: pathOf(image.id), title: titleOf(image), seeds }),
    record: (image) => replaceFile(pathOf(image.id) + NAME_SUFFIX, JSON.stringify(image)),
    kept: () => keptImages(directory).filter((image) => isWhole(pathOf(image.id), image)),
    drop,
    empty() {
      for (const entry of readdirSync(directory)) {
        rmSync(join(directory, entry), { recursive: true, force: true });
      }
    },
    async close() {
      rmSync(scratch, { recursive: true, force: true });
      removeIfEmpty(directory);
      removeIfEmpty(home);
    },
  };
}

/** A name of its own for each node, and never `.` or `..`. */
function directoryName(node: string): string {
  return encodeURIComponent(node).replace(/^\./, '%2E');
}

function makeEmpty(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
    makeDirectories(directory, 0o700);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new KgetError(
      'target-unwritable',
      `Cannot make the spool ${directory}: ${found}; name another one with --spool`,
      { cause: error },
    );
  }
}

function keptImages(directory: string): ImageName[] {
  const names = readdirSync(directory).filter((entry) => entry.endsWith(NAME_SUFFIX));
  return names.flatMap((entry) => {
    try {
      return [imageName.parse(JSON.parse(readFileSync(join(directory, entry), 'utf8')))];
    } catch {
      return [];
    }
  });
}

function isWhole(path: string, image: ImageName): boolean {
  return sizeOf(path) === image.sizeBytes && sizeOf(indexPathOf(path)) !== undefined;
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT' && code !== 'EEXIST') throw error;
  }
}
