import { accessSync, constants } from 'node:fs';
import { basename } from 'node:path';
import { KgetError } from '../base/error.ts';
import type { ImageName } from '../control/messages.ts';

/** @throws KgetError `target-unwritable` */
export function confirmWritable(directory: string): void {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new KgetError('target-unwritable', `Cannot write in ${directory}: ${found}`, {
      cause: error,
    });
  }
}

/** A name that leads nowhere else. @throws KgetError `protocol` */
export function plainName(name: string): string {
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
