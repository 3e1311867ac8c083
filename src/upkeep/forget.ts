import { existsSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { systemCode } from '../base/error.ts';
import type { Snapshot } from '../catalogue/catalogue.ts';
import {
  type Manifest,
  MANIFEST_NAME,
  readManifest,
  writeManifest,
} from '../catalogue/manifest.ts';
import { syncDirectory } from '../content/durable.ts';
import type { StorePlace } from '../store/store-place.ts';

const INDEX_SUFFIX = '.caibx';

/** `.<file name>.kgetplus-gone`: the index of a snapshot that is being forgotten. */
const GONE_NAME = /^\.(.+)\.kgetplus-gone$/s;

type OnStep = (step: string) => void;

/**
 * Forgets snapshots, durably. Each is forgotten in the moment in which its index gets another name.
 * Then the manifest of its run no longer tells of it, at last the file goes. Whoever is stopped in
 * between leaves the renamed file, which tells `finishForgetting` what there is to do. Their runs
 * must have ended: nobody else writes their manifests.
 * @throws Error the system's
 */
export async function forgetSnapshots(
  snapshots: readonly Snapshot[],
  onStep: OnStep,
): Promise<void> {
  const runs = Map.groupBy(snapshots, ({ indexPath }) => dirname(dirname(indexPath)));
  for (const [run, forgotten] of runs) {
    for (const { indexPath, id } of forgotten) {
      onStep(`forget ${id}`);
      renameSync(indexPath, goneName(indexPath));
    }
    await finishRun(run, onStep);
  }
}

/** Completes what a prune has begun that was stopped. @throws Error the system's */
export async function finishForgetting({ snapshots }: StorePlace, onStep: OnStep): Promise<void> {
  for (const run of directoriesIn(snapshots)) await finishRun(join(snapshots, run), onStep);
}

/** Whether the index of an image is being forgotten: that it is not there is no fault. */
export function isBeingForgotten(indexPath: string): boolean {
  return existsSync(goneName(indexPath));
}

async function finishRun(run: string, onStep: OnStep): Promise<void> {
  const nodes = directoriesIn(run);
  const gone = nodes.flatMap((node) => goneIn(run, node));
  if (gone.length === 0) return;
  const touched = [...new Set(gone.map(({ file }) => dirname(file)))];
  for (const directory of touched) await syncDirectory(directory);
  const isLast = !nodes.some((node) => hasIndex(join(run, node)));
  await describeRun(run, { gone, isLast, onStep });
  for (const { file } of gone) {
    onStep(`remove ${file}`);
    unlinkSync(file);
  }
  for (const directory of touched) await syncDirectory(directory);
  if (!isLast) return;
  onStep(`remove ${run}`);
  for (const directory of [...touched, run]) removeIfEmpty(directory);
}

interface Gone {
  readonly node: string;
  readonly name: string;
  readonly file: string;
}

/** Leaves the images that are gone out of the manifest of a run, or removes it if none is left. */
async function describeRun(
  run: string,
  facts: { readonly gone: readonly Gone[]; readonly isLast: boolean; readonly onStep: OnStep },
): Promise<void> {
  const file = join(run, MANIFEST_NAME);
  if (!existsSync(file)) return;
  facts.onStep(`describe ${run}`);
  if (facts.isLast) {
    unlinkSync(file);
    return syncDirectory(run);
  }
  const manifest = readManifest(file);
  const ids = new Set(facts.gone.map(({ node, name }) => `${node}/${name}`));
  const images = manifest.images.filter(({ node, name }) => !ids.has(`${node}/${name}`));
  return writeManifest(file, { ...manifest, images } satisfies Manifest);
}

function goneIn(run: string, node: string): Gone[] {
  return readdirSync(join(run, node)).flatMap((entry) => {
    const name = GONE_NAME.exec(entry)?.[1];
    return name === undefined ? [] : [{ node, name, file: join(run, node, entry) }];
  });
}

function goneName(indexPath: string): string {
  const name = basename(indexPath).slice(0, -INDEX_SUFFIX.length);
  return join(dirname(indexPath), `.${name}.kgetplus-gone`);
}

function hasIndex(directory: string): boolean {
  return readdirSync(directory).some((name) => name.endsWith(INDEX_SUFFIX));
}

function directoriesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}
