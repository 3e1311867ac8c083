import { accessSync, constants } from 'node:fs';
import { basename } from 'node:path';
import { KgetError } from '../base/error.ts';
import type { ImageName } from '../control/messages.ts';

/** @throws KgetError `target-unwritable` */
export function confirmWritable(directory: string): void {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw targetFailure(directory, error);
  }
}

/** What an error of the operating system means that kept us from writing in a directory. */
export function targetFailure(directory: string, error: unknown): KgetError {
  const found = error instanceof Error ? error.message : String(error);
  return new KgetError('target-unwritable', `Cannot write in ${directory}: ${found}`, {
    cause: error,
  });
}

/** Names that lead elsewhere, or to what the command itself keeps in the target directory. */
const TAKEN_NAMES = new Set(['', '.', '..', '.kgetplus']);

/** A name that leads nowhere else. @throws KgetError `protocol` */
export function plainName(name: string): string {
  if (!TAKEN_NAMES.has(name) && !/[/\0]/.test(name)) return name;
  throw new KgetError(
    'protocol',
    `Cannot store an image under ${JSON.stringify(name)}: not a plain name`,
  );
}

/** For error messages: `image "disk.qcow2" from node07`. */
export function titleOf(image: ImageName): string {
  return `image "${basename(image.path)}" from ${image.node}`;
}
