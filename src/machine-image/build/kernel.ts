import { existsSync, globSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { KgetError } from '../../base/error.ts';
import { fetchKernelPackage, unpackPackage } from './packages.ts';
import type { RecipeKernel } from './recipe.ts';
import type { ProgramContext } from './run-program.ts';

/** A kernel's files, as they lie here. */
export interface Kernel {
  readonly vmlinuz: string;
  /** `/lib/modules/VERSION` of it; null if it needs no modules. */
  readonly modules: string | null;
}

export interface KernelOptions {
  readonly kernel: RecipeKernel;
  readonly baseDirectory: string;
  readonly workDirectory: string;
  readonly packageDirectory: string;
}

/** Gets the kernel of a recipe. @throws KgetError `usage` if it is not there */
export async function obtainKernel(
  context: ProgramContext,
  options: KernelOptions,
): Promise<Kernel> {
  const { kernel, baseDirectory, workDirectory, packageDirectory } = options;
  if ('files' in kernel) {
    const vmlinuz = present(resolve(baseDirectory, kernel.files.vmlinuz));
    const { modules } = kernel.files;
    return {
      vmlinuz,
      modules: modules === undefined ? null : present(resolve(baseDirectory, modules)),
    };
  }
  const name = kernel['debian-package'];
  const file = await fetchKernelPackage(context, { name, directory: packageDirectory });
  const directory = join(workDirectory, 'kernel');
  await mkdir(directory, { recursive: true });
  await unpackPackage(context, { file, directory });
  const [vmlinuz] = globSync('boot/vmlinuz-*', { cwd: directory });
  if (vmlinuz === undefined) {
    throw new KgetError('usage', `Cannot find a kernel in ${file}: no boot/vmlinuz-* in it`);
  }
  return { vmlinuz: join(directory, vmlinuz), modules: await modulesIn(directory) };
}

async function modulesIn(directory: string): Promise<string | null> {
  for (const place of ['usr/lib/modules', 'lib/modules']) {
    const path = join(directory, place);
    const [version] = existsSync(path) ? await readdir(path) : [];
    if (version !== undefined) return join(path, version);
  }
  return null;
}

function present(path: string): string {
  if (existsSync(path)) return path;
  throw new KgetError('usage', `Cannot find the kernel of the recipe: there is no ${path}`);
}
