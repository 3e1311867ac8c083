import { existsSync, lstatSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { KgetError } from '../../base/error.ts';
import { debianTree } from './debian.ts';
import type { InitKind } from './guest-files.ts';
import type { Recipe } from './recipe.ts';
import { runProgram, type ProgramContext } from './run-program.ts';

const LIST_LIMIT_MS = 600_000;

/** Where an init may be; all but the first two are systemd's. */
const INIT_PLACES = [
  'sbin/init',
  'usr/sbin/init',
  'lib/systemd/systemd',
  'usr/lib/systemd/systemd',
];

/** The files that an image starts from, before ours are added. */
export type Tree =
  | { readonly kind: 'empty'; readonly init: 'none' }
  | { readonly kind: 'directory'; readonly path: string; readonly init: InitKind }
  /** Of any compression that tar(1) knows. */
  | { readonly kind: 'tar'; readonly path: string; readonly init: InitKind };

export interface TreeOptions {
  readonly recipe: Recipe;
  readonly baseDirectory: string;
  readonly workDirectory: string;
  readonly epoch: number;
}

/** Gets what a recipe's image starts from. @throws KgetError `usage` if it is not there */
export async function obtainTree(context: ProgramContext, options: TreeOptions): Promise<Tree> {
  const { recipe, baseDirectory, workDirectory } = options;
  const { from } = recipe;
  if ('busybox' in from) return { kind: 'empty', init: 'none' };
  if ('directory' in from) {
    const path = resolve(baseDirectory, from.directory);
    if (!existsSync(path) || !statSync(path).isDirectory()) throw missing(path, 'directory');
    const found = INIT_PLACES.filter((place) => isThere(join(path, place)));
    return { kind: 'directory', path, init: initKind(found) };
  }
  if ('tar' in from) {
    const path = resolve(baseDirectory, from.tar);
    if (!existsSync(path) || !statSync(path).isFile()) throw missing(path, 'file');
    return { kind: 'tar', path, init: await initInTar(context, path) };
  }
  const path = join(workDirectory, 'debian.tar');
  await debianTree(context, {
    debian: from.debian,
    arch: recipe.arch,
    run: recipe.run,
    target: path,
    temporaryDirectory: workDirectory,
    epoch: options.epoch,
  });
  return { kind: 'tar', path, init: 'systemd' };
}

function initKind(found: readonly string[]): InitKind {
  if (found.some((place) => place.endsWith('systemd'))) return 'systemd';
  return found.length > 0 ? 'own' : 'none';
}

/** Tar's own complaint about an archive that is none comes when it is unpacked. */
async function initInTar(context: ProgramContext, path: string): Promise<InitKind> {
  const pattern = `^(\\./)?(${INIT_PLACES.join('|')})$`;
  const listed = await runProgram(context, {
    purpose: `look into ${path}`,
    words: ['sh', '-c', 'tar -tf "$1" | grep -E "$2" || :', 'sh', path, pattern],
    package: 'tar',
    limitMs: LIST_LIMIT_MS,
  });
  return initKind(listed.split('\n').filter(Boolean));
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function missing(path: string, wanted: string): KgetError {
  return new KgetError('usage', `Cannot build an image from ${path}: there is no such ${wanted}`);
}
