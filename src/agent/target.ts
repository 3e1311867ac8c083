import { accessSync, constants } from 'node:fs';
import { basename, join } from 'node:path';
import { KgetError } from '../base/error.ts';
import type { ImageName } from '../control/messages.ts';
import type { ImagePlace } from './image-place.ts';

/**
 * The frontend's layout `files`: `DIR/<node>/<file name>`. What lies there stays.
 * @throws KgetError `target-unwritable`
 */
export function openTargetPlace(directory: string): ImagePlace {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new KgetError('target-unwritable', `Cannot write in ${directory}: ${found}`, {
      cause: error,
    });
  }
  return {
    directory,
    pathOf: ({ node, path }) => join(directory, plainName(node), plainName(basename(path))),
    record: () => Promise.resolve(),
    kept: () => [],
    drop: () => {},
    empty: () => {},
  };
}

function plainName(name: string): string {
  if (name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)) return name;
  throw new KgetError(
    'protocol',
    `Cannot store an image under ${JSON.stringify(name)}: not a plain name`,
  );
}

/** For error messages: `image "disk.qcow2" from node07`. */
export function titleOf(image: ImageName): string {
  return `image "${basename(image.path)}" from ${image.node}`;
}
