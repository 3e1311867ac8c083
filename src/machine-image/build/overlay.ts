import { existsSync, statSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { KgetError } from '../../base/error.ts';
import type { GuestFile } from './guest-files.ts';
import type { AddedFile } from './recipe.ts';

/** Writes files of a guest below `directory`; a later one replaces an earlier one of its name. */
export async function writeGuestFiles(
  directory: string,
  files: readonly GuestFile[],
): Promise<void> {
  for (const file of files) {
    const path = join(directory, file.path);
    await mkdir(file.kind === 'directory' ? path : dirname(path), { recursive: true });
    if (file.kind !== 'directory') await rm(path, { force: true });
    switch (file.kind) {
      case 'directory':
        await chmod(path, file.mode);
        break;
      case 'link':
        await symlink(file.target, path);
        break;
      case 'text':
        await writeFile(path, file.text);
        await chmod(path, file.mode);
        break;
      case 'copy':
        await copyFile(file.from, path);
        await chmod(path, file.mode);
        break;
    }
  }
}

/** Whether all that a recipe adds is there. @throws KgetError `usage` */
export function checkAddedFiles(files: readonly AddedFile[], baseDirectory: string): void {
  for (const { from, mode } of files) {
    const source = resolve(baseDirectory, from);
    if (!existsSync(source)) {
      throw new KgetError('usage', `Cannot add ${from} to the image: there is no ${source}`);
    }
    if (mode !== undefined && statSync(source).isDirectory()) {
      throw new KgetError('usage', `Cannot add ${from} to the image: mode is for single files`);
    }
  }
}

/** Copies what a recipe adds, see `checkAddedFiles`, below `directory`. */
export async function copyAddedFiles(options: {
  readonly directory: string;
  readonly baseDirectory: string;
  readonly files: readonly AddedFile[];
}): Promise<void> {
  for (const { from, to, mode } of options.files) {
    const source = resolve(options.baseDirectory, from);
    const isDirectory = statSync(source).isDirectory();
    const target = join(options.directory, to.endsWith('/') ? join(to, basename(source)) : to);
    await mkdir(dirname(target), { recursive: true });
    await rm(target, { force: true, recursive: !isDirectory });
    await cp(source, target, { recursive: true, verbatimSymlinks: true, dereference: false });
    if (mode !== undefined) await chmod(target, Number.parseInt(mode, 8));
  }
}
