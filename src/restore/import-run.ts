import { rmSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { basename, dirname, resolve } from 'node:path';
import { KgetError } from '../base/error.ts';
import { VERSION } from '../base/version.ts';
import { manifestPath, snapshotIndexPath } from '../catalogue/catalogue.ts';
import { describeIndex } from '../catalogue/describe-index.ts';
import { type Manifest, type ManifestFields, writeManifest } from '../catalogue/manifest.ts';
import { makeDirectory } from '../content/durable.ts';
import { storeFailure } from '../content/room.ts';
import { type ChunkWriter, openChunkWriter } from '../store/chunk-writer.ts';
import { takeLease } from '../store/lease.ts';
import type { StorePlace } from '../store/store-place.ts';
import { importFile } from './import-image.ts';
import { importIndex } from './import-index.ts';

export interface ImportRequest {
  readonly place: StorePlace;
  /** Image files; with `from`, indexes. */
  readonly files: readonly string[];
  /** The chunks of another store of casync or desync, to take images over from. */
  readonly from: string | undefined;
  /** The run that the images become. */
  readonly run: string;
  readonly startedAt: Date;
  readonly node: string;
  readonly tags: readonly string[];
  /** For the manifest. */
  readonly command: readonly string[];
  readonly chunkSizeBytes: number;
  /** How hard chunks are compressed: a level of zstd. */
  readonly level: number;
  readonly signal: AbortSignal;
  /** An image is begun. */
  onBegin(name: string, sizeBytes: number): void;
  onProgress(doneBytes: number): void;
  /** The image is a snapshot now. */
  onImported(id: string): void;
  /** An image cannot be imported; the others are. */
  onFailed(error: KgetError): void;
}

export interface ImportResult {
  readonly manifest: ManifestFields;
  readonly isInterrupted: boolean;
}

/**
 * Puts images into a store as a run of its own, one after the other; the store is made if there is
 * none. Of a run without images nothing stays.
 * @throws KgetError `usage` for a name that is none in a store, `name-clash` for one twice,
 * `no-room`, `target-unwritable`
 */
export async function importRun(request: ImportRequest): Promise<ImportResult> {
  const { place, run } = request;
  const imports = importsOf(request);
  try {
    const lease = takeLease(place, 'import');
    try {
      const writer = await openChunkWriter(place, lease);
      try {
        return await importAll(imports, request, writer);
      } finally {
        await writer.commit();
        await writer.close();
      }
    } finally {
      lease.release();
    }
  } catch (error) {
    const stored = { title: `run ${run}`, directory: place.directory, neededBytes: 0 };
    throw storeFailure(error, stored);
  }
}

/** One image on its way into the store. */
interface Import {
  readonly path: string;
  readonly name: string;
  readonly indexPath: string;
}

async function importAll(
  imports: readonly Import[],
  request: ImportRequest,
  writer: ChunkWriter,
): Promise<ImportResult> {
  const { place, run, node } = request;
  const file = manifestPath(place, run);
  const begun = emptyManifest(request);
  await makeDirectory(dirname(file));
  await writeManifest(file, begun);
  const images: Manifest['images'] = [];
  const missing: Manifest['missing'] = [];
  let isInterrupted = false;
  for (const one of imports) {
    const { path, name } = one;
    try {
      await importOne(one, request, writer);
      const described = await describeIndex(one.indexPath);
      images.push({ node, path, name, ...described, wireBytes: 0, chunks: 0 });
      request.onImported(`${run}/${node}/${name}`);
    } catch (cause) {
      const stored = { title: `image ${path}`, directory: place.directory, neededBytes: 0 };
      const error = storeFailure(cause, stored);
      if (!(error instanceof KgetError)) throw error;
      isInterrupted = error.code === 'cancelled';
      if (isInterrupted) break;
      missing.push({ node, path, reason: error.message });
      request.onFailed(error);
    }
  }
  const endedAt = isInterrupted ? null : new Date().toISOString();
  const manifest = { ...begun, endedAt, images, missing };
  if (images.length > 0) await writeManifest(file, manifest);
  else rmSync(dirname(file), { recursive: true, force: true });
  return { manifest, isInterrupted };
}

function importOne(one: Import, request: ImportRequest, writer: ChunkWriter): Promise<void> {
  const { place, level, signal, from, chunkSizeBytes, onProgress } = request;
  const onBegin = (sizeBytes: number): void => request.onBegin(one.name, sizeBytes);
  const shared = { ...one, place, writer, level, signal, onBegin, onProgress };
  if (from === undefined) return importFile({ ...shared, chunkSizeBytes });
  return importIndex({ ...shared, from });
}

function emptyManifest({ run, startedAt, command, tags }: ImportRequest): ManifestFields {
  return {
    run,
    startedAt: startedAt.toISOString(),
    endedAt: null,
    user: userInfo().username,
    host: hostname(),
    version: VERSION,
    command: [...command],
    tags: [...tags],
    images: [],
    missing: [],
  };
}

function importsOf({ files, from, node, place, run }: ImportRequest): readonly Import[] {
  const byName = new Map<string, Import>();
  for (const file of files) {
    const path = resolve(file);
    const name = from === undefined ? basename(path) : basename(path, '.caibx');
    for (const part of [node, name]) confirmName(part, path);
    const other = byName.get(name);
    if (other !== undefined) {
      const advice = 'both would be the same image of one node; import them one by one';
      throw new KgetError('name-clash', `Cannot import ${other.path} and ${path}: ${advice}`);
    }
    byName.set(name, { path, name, indexPath: snapshotIndexPath(place, { run, node, name }) });
  }
  return [...byName.values()];
}

/** A catalogue passes over names that begin with a dot. */
function confirmName(name: string, path: string): void {
  if (name !== '' && !name.startsWith('.') && !/[/\0]/.test(name)) return;
  const wanted = 'wanted a plain name that does not begin with a dot';
  throw new KgetError('usage', `Cannot import ${path} as "${name}": ${wanted}`);
}
