/** A store of drawn images: each letter is a chunk. */
import { randomBytes } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/base/system-clock.ts';
import { type Manifest, MANIFEST_NAME, writeManifest } from '../../src/catalogue/manifest.ts';
import { openBlobIndex } from '../../src/content/blob-index.ts';
import { chunkFileOf } from '../../src/content/chunk-name.ts';
import { digestOf } from '../../src/content/digest.ts';
import { compress } from '../../src/content/zstd.ts';
import { chunkFiles } from '../../src/store/chunk-files.ts';
import { type StorePlace, storePlace } from '../../src/store/store-place.ts';
import { prune, type PruneOptions } from '../../src/upkeep/prune.ts';
import type { PruneReport } from '../../src/upkeep/prune-report.ts';
import { CHUNK, drawImage, temporaryDirectory, writeIndex } from '../content/fixtures.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export interface SampleSnapshot {
  readonly run: string;
  readonly node?: string;
  readonly name?: string;
  readonly letters: string;
}

export interface SampleStore {
  readonly place: StorePlace;
  /** Adds an image of a run with its chunks, and describes it. The run has ended. */
  add(snapshot: SampleSnapshot): Promise<void>;
  /** The file of the chunk that a letter stands for. */
  fileOf(letter: string): string;
  /** Letters of chunks that are in the store itself, sorted. */
  stored(letters?: string): string;
  /** Letters of chunks that are in the trash, sorted. */
  aside(letters?: string): string;
  indexOf(snapshot: Omit<SampleSnapshot, 'letters'>): string;
  manifestOf(run: string): string;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz.';

export function digestOfLetter(letter: string): Buffer {
  return digestOf(drawImage(letter));
}

export function makeSampleStore(t: Pick<TestContext, 'after'>): SampleStore {
  const place = storePlace(temporaryDirectory(t as TestContext));
  mkdirSync(place.chunks);
  mkdirSync(place.snapshots);
  const images = new Map<string, Manifest['images'][number][]>();
  const fileOf = (letter: string): string => chunkFileOf(place.chunks, digestOfLetter(letter));
  const manifestOf = (run: string): string => join(place.snapshots, run, MANIFEST_NAME);
  const indexOf = ({ run, node = 'n1', name = 'disk' }: Omit<SampleSnapshot, 'letters'>): string =>
    join(place.snapshots, run, node, `${name}.caibx`);
  return {
    place,
    fileOf,
    manifestOf,
    indexOf,
    async add(snapshot) {
      const { run, node = 'n1', name = 'disk', letters } = snapshot;
      for (const letter of new Set(letters)) putChunk(fileOf(letter), letter);
      const index = indexOf(snapshot);
      mkdirSync(dirname(index), { recursive: true });
      const image = drawImage(letters);
      await writeIndex(index, image);
      const described = images.get(run) ?? [];
      images.set(run, described);
      described.push(describe({ node, name, letters, index }));
      await writeManifest(manifestOf(run), sampleManifest(run, described));
    },
    stored: (letters = LETTERS) =>
      letters
        .split('')
        .filter((it) => existsSync(fileOf(it)))
        .join(''),
    aside: (letters = LETTERS) =>
      letters
        .split('')
        .filter((it) => globSync(join(place.trash, '*', basename(fileOf(it)))).length > 0)
        .join(''),
  };
}

export function putChunk(file: string, letter: string): void {
  if (existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, compress(drawImage(letter)));
}

export function sampleManifest(
  run: string,
  images: Manifest['images'] = [],
  rest: Partial<Manifest> = {},
): Manifest {
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)/.exec(run) ?? [];
  return {
    schema: 'kgetplus.manifest/1',
    run,
    startedAt: `${year}-${month}-${day}T00:00:00.000Z`,
    endedAt: `${year}-${month}-${day}T01:00:00.000Z`,
    user: 'root',
    host: 'frontend',
    version: '0.1.0',
    command: ['gather'],
    tags: [],
    images: [...images],
    missing: [],
    ...rest,
  };
}

function describe(of: {
  readonly node: string;
  readonly name: string;
  readonly letters: string;
  readonly index: string;
}): Manifest['images'][number] {
  const { node, name, letters, index } = of;
  return {
    node,
    name,
    path: `/var/lib/vm/${name}`,
    sizeBytes: letters.length * CHUNK,
    dataBytes: letters.replaceAll('.', '').length * CHUNK,
    indexSha256: digestOf(readFileSync(index)).toString('hex'),
    wireBytes: 0,
    chunks: letters.length,
  };
}

/** Prunes with what tests mostly want. */
export function pruneStore(
  place: StorePlace,
  options: Partial<PruneOptions> & { readonly nowMs?: () => number } = {},
): Promise<PruneReport> {
  return prune({
    place,
    policy: {},
    graceMs: DAY_MS,
    isDry: false,
    suffix: randomBytes(3).toString('hex'),
    nowMs: () => Date.now(),
    clock: systemClock,
    signal: new AbortController().signal,
    ...options,
  });
}

/** Reads each chunk of a snapshot as restoring it does. @throws KgetError if one cannot be read */
export async function readSnapshot(place: StorePlace, index: string): Promise<Buffer> {
  const opened = await openBlobIndex(index);
  const reader = chunkFiles(place);
  try {
    const pieces: Buffer[] = [];
    for (const chunk of opened.read(0, opened.chunkCount)) pieces.push(await reader.read(chunk));
    return Buffer.concat(pieces);
  } finally {
    opened.close();
  }
}
