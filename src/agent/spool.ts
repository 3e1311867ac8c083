import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KgetError, systemCode } from '../base/error.ts';
import { makeDirectoryNow, replaceFile } from '../content/durable.ts';
import { makePrivate } from '../content/private-directory.ts';
import { partPathOf } from '../content/part-file.ts';
import { openFileLanding } from '../content/file-landing.ts';
import { indexPathOf } from '../content/seed-file.ts';
import type { SeedTable } from '../content/seed-table.ts';
import { imageName, type ImageName } from '../control/messages.ts';
import type { Hold } from './attach-point.ts';
import type { ImagePlace } from './image-place.ts';
import { titleOf } from './target-names.ts';

const NAME_SUFFIX = '.json';

/** Others may remove empty directories while they are made: each time one must be quick. */
const MAX_TRIES = 10;

/** Where a spool lies. */
export interface SpoolPlace {
  /** The spool of this user on this host. */
  readonly root: string;
  /** The target directory that the images are on their way to: see `Configuration`. */
  readonly targetKey: string;
  /** This agent's node: several agents may share a host. */
  readonly node: string;
}

export interface SpoolOptions extends SpoolPlace {
  /** The agent's table: what lands in the spool joins it. */
  readonly seeds: SeedTable;
  /** What keeps other agents out of the directory; given back when the spool is closed. */
  readonly hold?: Hold | undefined;
}

/** A keeper's spool, and room for the indexes of its own images. */
export interface Spool extends ImagePlace {
  /** A directory for files of this run only; emptied when the spool is opened and closed. */
  readonly scratch: string;
  /** The file that `image` becomes. */
  pathOf(image: ImageName): string;
}

/** The directory of the spool: `<root>/<target key>/<node>`. */
function spoolDirectory({ root, targetKey, node }: SpoolPlace): string {
  return join(root, targetKey, directoryName(node));
}

/**
 * Makes the directory of the spool if need be, for this user alone; returns it.
 * @throws KgetError `target-unwritable`, also if it is there and somebody else can write in it
 */
export function makeSpool(place: SpoolPlace): string {
  for (let tries = 1; ; tries += 1) {
    try {
      return makePrivate(place.root, [place.targetKey, directoryName(place.node)]);
    } catch (error) {
      if (error instanceof KgetError) throw error;
      // An agent that has left removes directories above, which are empty, meanwhile.
      if (systemCode(error) !== 'ENOENT' || tries === MAX_TRIES) {
        throw spoolFailure(spoolDirectory(place), error);
      }
    }
  }
}

/**
 * Opens the spool, which no other agent may have open: `<root>/<target key>/<node>/<hash>.image`
 * with its index, and with the image's name in `<hash>.image.json`, written last.
 * @throws KgetError `target-unwritable`
 */
export function openSpool({ seeds, hold, ...where }: SpoolOptions): Spool {
  const directory = makeSpool(where);
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
        if (hold?.names.includes(entry) !== true)
          rmSync(join(directory, entry), { recursive: true, force: true });
      }
    },
    async close() {
      rmSync(scratch, { recursive: true, force: true });
      // From here on it may be another agent's.
      hold?.release();
      removeIfEmpty(directory);
      removeIfEmpty(dirname(directory));
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
    makeDirectoryNow(directory, 0o700);
  } catch (error) {
    throw spoolFailure(directory, error);
  }
}

/** What an error of the operating system means that kept a spool from being made. */
function spoolFailure(directory: string, error: unknown): KgetError {
  const found = error instanceof Error ? error.message : String(error);
  return new KgetError(
    'target-unwritable',
    `Cannot make the spool ${directory}: ${found}; name another one with --spool`,
    { cause: error },
  );
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
