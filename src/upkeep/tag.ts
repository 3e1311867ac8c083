import { join } from 'node:path';
import { KgetError } from '../base/error.ts';
import type { Catalogue, Run, Snapshot } from '../catalogue/catalogue.ts';
import {
  type Manifest,
  MANIFEST_NAME,
  readManifest,
  writeManifest,
} from '../catalogue/manifest.ts';
import { storeFailure } from '../content/room.ts';
import { readLeases } from '../store/lease.ts';
import type { StorePlace } from '../store/store-place.ts';
import { lockForPruning } from './prune-lock.ts';

const MAX_TAGS = 64;

/** Letters and digits, and in between a few signs: nothing that a shell or a list takes apart. */
const TAG = /^[\p{L}\p{N}](?:[\p{L}\p{N}_.:+@=-]{0,62}[\p{L}\p{N}])?$/u;

export interface TagChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

export interface TaggedRun {
  readonly run: string;
  readonly tags: readonly string[];
}

/**
 * Changes the tags of the runs of snapshots; returns those that they have then. Runs without a
 * manifest cannot be tagged. Either all of them can be written or none is begun.
 * @throws KgetError `usage`, `locked`, `corrupt`, `no-room`, `target-unwritable`
 */
export async function changeTags(
  place: StorePlace,
  runs: readonly Run[],
  change: TagChange,
): Promise<readonly TaggedRun[]> {
  for (const tag of change.add) checkTag(tag);
  using _lock = lockForPruning(place, 'change tags');
  const planned = runs.map((run) => {
    const manifest = changeableManifest(place, run);
    return { run, manifest, tags: changed(manifest.tags, change, run) };
  });
  const tagged: TaggedRun[] = [];
  for (const { run, manifest, tags } of planned) {
    const file = join(run.directory, MANIFEST_NAME);
    if (tags.join('\n') !== manifest.tags.join('\n')) await write(file, { ...manifest, tags });
    tagged.push({ run: run.id, tags });
  }
  return tagged;
}

/** The runs of these snapshots, in the catalogue's order. */
export function runsOf(catalogue: Catalogue, snapshots: readonly Snapshot[]): readonly Run[] {
  const ids = new Set(snapshots.map(({ run }) => run));
  return catalogue.runs.filter(({ id }) => ids.has(id));
}

function changed(tags: readonly string[], { add, remove }: TagChange, run: Run): string[] {
  const without = tags.filter((tag) => !remove.includes(tag));
  const all = [...new Set([...without, ...add])];
  if (all.length <= MAX_TAGS) return all;
  throw new KgetError(
    'usage',
    `Cannot tag ${run.id}: it would have ${all.length} tags, wanted at most ${MAX_TAGS}`,
  );
}

/** Read anew under the lock. */
function changeableManifest(place: StorePlace, { id, directory, manifest }: Run): Manifest {
  if (manifest === undefined) {
    throw new KgetError(
      'usage',
      `Cannot tag ${id}: it has no manifest, so its run has not come far; prune keeps its ` +
        'snapshots all the same',
    );
  }
  const current = readManifest(join(directory, MANIFEST_NAME));
  const gather = readLeases(place).find(({ kind, isAlive }) => isAlive && kind === 'gather');
  if (current.endedAt !== null || gather === undefined) return current;
  throw new KgetError(
    'locked',
    `Cannot tag ${id}: its run goes on (process ${gather.pid} on ${gather.host}) and writes its ` +
      'manifest at the end; wait for that',
  );
}

async function write(file: string, manifest: Manifest): Promise<void> {
  try {
    await writeManifest(file, manifest);
  } catch (error) {
    throw storeFailure(error, { title: 'a manifest', directory: join(file, '..'), neededBytes: 0 });
  }
}

function checkTag(tag: string): void {
  if (TAG.test(tag)) return;
  throw new KgetError(
    'usage',
    `Cannot use "${tag}" as a tag: wanted up to 64 letters and digits, in between also _.:+@=-`,
  );
}
