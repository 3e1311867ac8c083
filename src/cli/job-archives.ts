import { existsSync, mkdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSpec } from '../job/job-spec.ts';
import { runTool } from './run-tool.ts';

/** Guests read archives from disks, whose sizes are multiples of this. */
const DISK_BLOCK_BYTES = 64 * 1024;

/**
 * Packs the input files of a job into `inputs.tar` in its directory, under the names that the job
 * gives them; the path. The same files become the same archive, so that nodes which have it need not
 * get it again. @throws KgetError as `runTool`
 */
export async function packInputs(
  inputs: JobSpec['inputs'],
  { directory, signal }: { readonly directory: string; readonly signal: AbortSignal },
): Promise<string> {
  const staging = join(directory, 'inputs');
  const archive = join(directory, 'inputs.tar');
  const task = 'pack the input files of the job';
  mkdirSync(staging, { recursive: true });
  try {
    for (const { path, name } of inputs) {
      const copy = ['cp', '-a', '-H', '--reflink=auto', '--', path, join(staging, name)] as const;
      await runTool(copy, { task, signal });
    }
    const owner = ['--sort=name', '--numeric-owner', '--owner=0', '--group=0'];
    const words = ['tar', '--format=gnu', ...owner, '-cf', archive, '-C', staging, '.'] as const;
    await runTool(words, { task, signal });
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  const { size } = statSync(archive);
  truncateSync(archive, Math.ceil(size / DISK_BLOCK_BYTES) * DISK_BLOCK_BYTES);
  return archive;
}

/**
 * Unpacks the archive of a machine's outputs, which a gather has brought, and removes it; the
 * directory with the outputs. Guests are not trusted: names that lead out of it are refused by tar.
 * One that was unpacked already is left as it is. @throws KgetError as `runTool`
 */
export async function unpackOutputs(
  vm: string,
  where: { readonly archive: string; readonly directory: string; readonly signal: AbortSignal },
): Promise<string> {
  const { archive, directory, signal } = where;
  const place = join(directory, vm);
  if (!existsSync(archive)) return place;
  mkdirSync(place, { recursive: true });
  const safely = ['--no-same-owner', '--no-same-permissions', '--delay-directory-restore'];
  const words = ['tar', ...safely, '-xf', archive, '-C', place] as const;
  await runTool(words, { task: `unpack the outputs of ${vm}`, signal });
  for (const file of [archive, `${archive}.caibx`]) rmSync(file, { force: true });
  return place;
}
