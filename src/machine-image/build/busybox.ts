import { globSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError } from '../../base/error.ts';
import { fetchPackage, unpackPackage } from './packages.ts';
import { runProgram, type ProgramContext } from './run-program.ts';

const BUSYBOX_PACKAGE = 'busybox-static';
const APPLETS_LIMIT_MS = 10_000;

/** The static busybox that all images have. */
export async function obtainBusybox(
  context: ProgramContext,
  places: { readonly workDirectory: string; readonly packageDirectory: string },
): Promise<string> {
  const file = await fetchPackage(context, {
    name: BUSYBOX_PACKAGE,
    directory: places.packageDirectory,
  });
  const directory = join(places.workDirectory, 'busybox');
  await unpackPackage(context, { file, directory });
  const [found] = globSync('{,usr/}bin/busybox', { cwd: directory });
  if (found !== undefined) return join(directory, found);
  throw new KgetError('usage', `Cannot find busybox in ${file}: no bin/busybox in it`);
}

/** The names of its commands. */
export async function appletsOf(
  context: ProgramContext,
  busybox: string,
): Promise<readonly string[]> {
  const listed = await runProgram(context, {
    purpose: 'list the applets of busybox',
    words: [busybox, '--list'],
    package: BUSYBOX_PACKAGE,
    limitMs: APPLETS_LIMIT_MS,
  });
  return listed.split('\n').filter(Boolean);
}
