import { toFailure } from '../base/error.ts';
import type { Run, Snapshot } from './catalogue.ts';
import type { Manifest } from './manifest.ts';
import type { StoreMeasure } from './size-table.ts';
import { readShape } from './sizes.ts';

/** A snapshot in a list; null is what is not known. */
export interface SnapshotSummary {
  readonly id: string;
  readonly node: string;
  /** The file name of the image. */
  readonly image: string;
  /** Where it was on its node. */
  readonly path: string | null;
  readonly sizeBytes: number | null;
  readonly dataBytes: number | null;
  readonly uniqueBytes: number | null;
  readonly missingChunks: number | null;
  /** Why its index cannot be used; null if it can, or was not looked at. */
  readonly problem: string | null;
}

/** A run in a list, with those of its snapshots that are listed. */
export interface RunSummary {
  readonly run: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly state: 'complete' | 'incomplete' | 'unfinished';
  readonly tags: readonly string[];
  readonly sizeBytes: number;
  readonly dataBytes: number | null;
  /** Null too if not all of its snapshots are listed. */
  readonly uniqueBytes: number | null;
  readonly snapshots: readonly SnapshotSummary[];
  readonly missing: Manifest['missing'];
}

export interface ListedPart {
  /** Those of the run's snapshots that are listed. */
  readonly snapshots: readonly Snapshot[];
  /** Only what is missing from these nodes is listed; from all unless given. */
  readonly nodes?: readonly string[] | undefined;
  /** By runs. Without it there is what manifests say, and sizes from indexes where they do not. */
  readonly measure?: StoreMeasure | undefined;
}

/** Throws nothing: what cannot be read has a problem. */
export async function summariseRun(run: Run, part: ListedPart): Promise<RunSummary> {
  const { id, startedAt, manifest } = run;
  const snapshots: SnapshotSummary[] = [];
  for (const snapshot of part.snapshots) {
    snapshots.push(await summariseSnapshot(snapshot, part.measure));
  }
  const isWhole = part.measure?.isWhole === true && run.snapshots.length === snapshots.length;
  const unique = part.measure?.sizes.groups.get(id)?.uniqueBytes ?? 0;
  return {
    run: id,
    startedAt,
    endedAt: manifest?.endedAt ?? null,
    state: stateOf(manifest),
    tags: manifest?.tags ?? [],
    sizeBytes: snapshots.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0),
    dataBytes: sumOfKnown(snapshots.map(({ dataBytes }) => dataBytes)),
    uniqueBytes: isWhole ? unique : null,
    snapshots,
    missing: (manifest?.missing ?? []).filter(({ node }) => part.nodes?.includes(node) !== false),
  };
}

async function summariseSnapshot(
  snapshot: Snapshot,
  measure: StoreMeasure | undefined,
): Promise<SnapshotSummary> {
  const { id, node, name, image } = snapshot;
  const sizes = measure?.sizes.snapshots.get(id);
  const read = await sizeFrom(snapshot, measure);
  return {
    id,
    node,
    image: name,
    path: image?.path ?? null,
    sizeBytes: read.sizeBytes ?? image?.sizeBytes ?? null,
    dataBytes: sizes === undefined ? (image?.dataBytes ?? null) : sizes.sizeBytes - sizes.zeroBytes,
    uniqueBytes: measure?.isWhole === true ? (sizes?.uniqueBytes ?? null) : null,
    missingChunks: sizes?.missingChunks ?? null,
    problem: read.problem ?? null,
  };
}

/** The size that the index tells, or why there is none. It is not opened if all else is known. */
async function sizeFrom(
  snapshot: Snapshot,
  measure: StoreMeasure | undefined,
): Promise<{ readonly sizeBytes?: number; readonly problem?: string }> {
  const sizes = measure?.sizes.snapshots.get(snapshot.id);
  if (sizes !== undefined) return { sizeBytes: sizes.sizeBytes };
  const problem = measure?.sizes.failures.get(snapshot.id);
  if (problem !== undefined) return { problem };
  if (snapshot.image !== undefined) return {};
  try {
    return { sizeBytes: (await readShape(snapshot)).sizeBytes };
  } catch (error) {
    return { problem: toFailure(error).message };
  }
}

function stateOf(manifest: Manifest | undefined): RunSummary['state'] {
  if (manifest === undefined || manifest.endedAt === null) return 'unfinished';
  return manifest.missing.length > 0 ? 'incomplete' : 'complete';
}

function sumOfKnown(all: readonly (number | null)[]): number | null {
  const known = all.filter((bytes) => bytes !== null);
  return known.length < all.length ? null : known.reduce((sum, bytes) => sum + bytes, 0);
}
