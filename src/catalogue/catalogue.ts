import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError, systemCode, toFailure } from '../base/error.ts';
import type { StorePlace } from '../store/store-place.ts';
import { type Manifest, MANIFEST_NAME, type ManifestImage, readManifest } from './manifest.ts';

const INDEX_SUFFIX = '.caibx';

/** One image of one run. */
export interface Snapshot {
  /** `RUN/NODE/NAME`. */
  readonly id: string;
  readonly run: string;
  readonly node: string;
  /** The file name of the image. */
  readonly name: string;
  /** When the run began, ISO 8601. */
  readonly takenAt: string;
  readonly indexPath: string;
  /** Tags of its run. */
  readonly tags: readonly string[];
  /** What the manifest says of it; undefined while the run goes on, or if it broke off. */
  readonly image: ManifestImage | undefined;
}

/** A run of which there are snapshots, or a manifest. */
export interface Run {
  readonly id: string;
  readonly directory: string;
  readonly startedAt: string;
  /** Undefined if it is missing or cannot be read: the snapshots are good all the same. */
  readonly manifest: Manifest | undefined;
  /** By node and name. */
  readonly snapshots: readonly Snapshot[];
}

/** What is in a store. An index under its final name is a snapshot; manifests only describe. */
export interface Catalogue {
  /** The oldest first. */
  readonly runs: readonly Run[];
  /** A line for all that is not as it should be. */
  readonly warnings: readonly string[];
}

/** Where the index of a snapshot is. */
export function snapshotIndexPath(
  place: StorePlace,
  { run, node, name }: Pick<Snapshot, 'run' | 'node' | 'name'>,
): string {
  return join(place.snapshots, run, node, name + INDEX_SUFFIX);
}

/** Where the manifest of a run is. */
export function manifestPath(place: StorePlace, run: string): string {
  return join(place.snapshots, run, MANIFEST_NAME);
}

/** Reads which snapshots a store has. @throws KgetError `usage` if there is no store */
export function readCatalogue(place: StorePlace): Catalogue {
  const warnings: string[] = [];
  const runs = directoriesIn(place.snapshots, place)
    .map((id) => readRun(join(place.snapshots, id), id, warnings))
    .filter((run) => run.snapshots.length > 0 || run.manifest !== undefined)
    .toSorted((one, other) => compare(one.startedAt, other.startedAt) || compare(one.id, other.id));
  return { runs, warnings };
}

function readRun(directory: string, id: string, warnings: string[]): Run {
  const manifest = manifestIn(directory, warnings);
  const startedAt = manifest?.startedAt ?? timeOf(id) ?? statSync(directory).mtime.toISOString();
  const described = new Map(
    manifest?.images.map((image) => [`${image.node}/${image.name}`, image]),
  );
  const snapshots = directoriesIn(directory).flatMap((node) =>
    indexesIn(join(directory, node)).map((name): Snapshot => {
      const image = described.get(`${node}/${name}`);
      described.delete(`${node}/${name}`);
      return {
        id: `${id}/${node}/${name}`,
        run: id,
        node,
        name,
        takenAt: startedAt,
        indexPath: join(directory, node, name + INDEX_SUFFIX),
        tags: manifest?.tags ?? [],
        image,
      };
    }),
  );
  for (const missing of described.keys()) {
    warnings.push(`${join(directory, MANIFEST_NAME)} names ${missing}, which has no index there`);
  }
  return { id, directory, startedAt, manifest, snapshots };
}

function manifestIn(directory: string, warnings: string[]): Manifest | undefined {
  const file = join(directory, MANIFEST_NAME);
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
  try {
    return readManifest(file);
  } catch (error) {
    warnings.push(toFailure(error).message);
    return undefined;
  }
}

/** When a run began, by its name: `20260131T235959Z-1a2b3c`. */
function timeOf(run: string): string | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(run);
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second] = found;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  return Number.isNaN(Date.parse(text)) ? undefined : text;
}

/** Names of the directories in one, sorted; links are not followed, so there are no circles. */
function directoriesIn(directory: string, store?: StorePlace): string[] {
  return entriesOf(directory, store)
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .toSorted(compare);
}

/** Names of the images of a node, sorted. */
function indexesIn(directory: string): string[] {
  return entriesOf(directory)
    .filter(({ name }) => name.endsWith(INDEX_SUFFIX))
    .map(({ name }) => name.slice(0, -INDEX_SUFFIX.length))
    .toSorted(compare);
}

function entriesOf(directory: string, store?: StorePlace): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      // A run may be forgotten meanwhile.
      if (store === undefined) return [];
      throw noStore(store, error);
    }
    const found = toFailure(error).message;
    throw new KgetError('source-unreadable', `Cannot read ${directory}: ${found}`, {
      cause: error,
    });
  }
}

function noStore({ directory, snapshots }: StorePlace, cause: unknown): KgetError {
  return new KgetError(
    'usage',
    `Cannot use ${directory} as a store: there is no ${snapshots}; name one with --store, ` +
      'or make one with gather --layout store',
    { cause },
  );
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
