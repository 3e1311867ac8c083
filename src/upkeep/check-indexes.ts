import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { toFailure } from '../base/error.ts';
import type { Catalogue, Run, Snapshot } from '../catalogue/catalogue.ts';
import { type Manifest, MANIFEST_NAME, readManifest } from '../catalogue/manifest.ts';
import { type BlobIndex, openBlobIndex } from '../content/blob-index.ts';
import { fileSha256 } from '../content/file-digest.ts';
import { isBeingForgotten } from './forget.ts';
import type { Fault } from './verify-report.ts';

/**
 * What is wrong with the manifests of runs. An image that one names must have its index, unless
 * only some snapshots were asked for.
 */
export function manifestFaults(
  runs: readonly Run[],
  { areAllImages }: { readonly areAllImages: boolean },
): Fault[] {
  return runs.flatMap((run) => {
    const file = join(run.directory, MANIFEST_NAME);
    // A run that was cut off has none: its snapshots are good all the same.
    if (!existsSync(file)) return [];
    try {
      return faultsOf(run, readManifest(file), areAllImages);
    } catch (error) {
      return [{ subject: run.id, message: toFailure(error).message }];
    }
  });
}

/** The runs of a catalogue that snapshots belong to; all of them if all snapshots are meant. */
export function runsToCheck(
  { runs }: Catalogue,
  snapshots: readonly Snapshot[],
  { areAll }: { readonly areAll: boolean },
): readonly Run[] {
  const ids = new Set(snapshots.map(({ run }) => run));
  return areAll ? runs : runs.filter(({ id }) => ids.has(id));
}

function faultsOf(run: Run, manifest: Manifest, areAllImages: boolean): Fault[] {
  const faults: Fault[] = [];
  if (manifest.run !== run.id) {
    const message = `its manifest is of run "${manifest.run}"`;
    faults.push({ subject: run.id, message });
  }
  if (!areAllImages) return faults;
  for (const { node, name } of manifest.images) {
    const subject = `${run.id}/${node}/${name}`;
    const isPlain = [node, name].every((part) => basename(part) === part && !part.startsWith('.'));
    const index = join(run.directory, node, `${name}.caibx`);
    if (!isPlain) faults.push({ subject, message: 'its manifest has names that no file can have' });
    else if (!existsSync(index) && !isBeingForgotten(index)) {
      faults.push({ subject, message: `its index ${index} is missing` });
    }
  }
  return faults;
}

/** Opens the index of a snapshot and compares it with the manifest, or says what is wrong. */
export async function checkIndex(snapshot: Snapshot): Promise<BlobIndex | Fault> {
  const { id: subject, indexPath, image } = snapshot;
  try {
    const index = await openBlobIndex(indexPath);
    if (image === undefined) return index;
    const found = await fileSha256(indexPath);
    const message =
      found !== image.indexSha256
        ? `its index ${indexPath} has SHA-256 ${found}, wanted ${image.indexSha256}`
        : index.sizeBytes !== image.sizeBytes
          ? `its index is of ${index.sizeBytes} B, its manifest says ${image.sizeBytes} B`
          : undefined;
    if (message === undefined) return index;
    index.close();
    return { subject, message };
  } catch (error) {
    return { subject, message: toFailure(error).message };
  }
}
