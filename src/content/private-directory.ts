import { lstatSync, mkdirSync, statSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { getuid } from 'node:process';
import { KgetError, systemCode } from '../base/error.ts';
import { makeDirectoryNow, syncDirectoryNow } from './durable.ts';

const WRITABLE_FOR_OTHERS = 0o022;
const WRITABLE_FOR_ALL = 0o002;
const STICKY = 0o1000;

/**
 * Makes `root/names[0]/names[1]/...` durably, each for this user alone, where they are not there yet, and
 * confirms of each that it is (`confirmPrivate`). `root`, which is made, too, may be shared with
 * others, if they cannot take away what lies there: in a directory that all can write to, the sticky
 * bit must be set. What a group can write to is the user's choice, who named it, and trusted.
 * @returns the innermost
 * @throws KgetError `target-unwritable`; Error the system's
 */
export function makePrivate(root: string, names: readonly string[]): string {
  makeDirectoryNow(root, 0o700);
  const { mode } = statSync(root);
  if ((mode & WRITABLE_FOR_ALL) !== 0 && (mode & STICKY) === 0) {
    throw unsafe(root, 'everybody can rename what lies there (wanted: the sticky bit)');
  }
  let directory = root;
  for (const name of names) {
    directory = join(directory, name);
    makeOne(directory);
    confirmPrivate(directory);
    syncDirectoryNow(dirname(directory));
  }
  return directory;
}

/**
 * Confirms that only this user (and root) decides what lies in `directory`: it is a directory and
 * no symbolic link, it is ours, and nobody else can write in it. If the one above it is safe, it
 * stays so: others can neither change nor exchange it.
 * @throws KgetError `target-unwritable`; Error the system's if it is not there
 */
export function confirmPrivate(directory: string): void {
  const found = faultOf(lstatSync(directory));
  if (found !== undefined) throw unsafe(directory, found);
}

function faultOf(stat: Stats): string | undefined {
  if (stat.isSymbolicLink()) return 'it is a symbolic link';
  if (!stat.isDirectory()) return 'it is no directory';
  const user = getuid?.();
  if (user !== undefined && stat.uid !== user) {
    return `it belongs to user ${stat.uid}, wanted ${user}`;
  }
  const mode = stat.mode & 0o777;
  if ((mode & WRITABLE_FOR_OTHERS) === 0) return undefined;
  return `others can write in it (mode ${mode.toString(8)}, wanted 700)`;
}

/** Whatever is there already is left to `confirmPrivate`. */
function makeOne(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

function unsafe(directory: string, found: string): KgetError {
  return new KgetError(
    'target-unwritable',
    `Cannot keep images in ${directory}: ${found}; remove it, or name another place`,
  );
}
