import { hostname, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { KgetError } from '../base/error.ts';
import { VERSION } from '../base/version.ts';
import { manifestPath, snapshotIndexPath } from '../catalogue/catalogue.ts';
import { describeIndex } from '../catalogue/describe-index.ts';
import { type ManifestFields, type ManifestImage, writeManifest } from '../catalogue/manifest.ts';
import { replaceFile } from '../content/durable.ts';
import { DEFAULT_LEVEL } from '../content/zstd.ts';
import { importFile } from '../restore/import-image.ts';
import type { ChunkWriter } from '../store/chunk-writer.ts';
import { imageId } from './image-id.ts';
import {
  IMAGE_MANIFEST_NAME,
  IMAGE_SCHEMA,
  type ImagePart,
  type MachineImage,
  serialiseImageManifest,
} from './image-manifest.ts';
import { IMAGE_NODE, RUN_TAG } from './image-place.ts';
import { type ImageSource, partName, type PartFile } from './image-source.ts';
import { summariseIndex } from './part-digest.ts';
import type { StoreImageOptions } from './store-image.ts';

/**
 * Of all images, whatever makes them: digests of parts, and so ids, depend on it. As of gathers and
 * imports by default, so that images and snapshots share chunks.
 */
export const IMAGE_CHUNK_BYTES = 128 * 1024;

export interface NewRunOptions extends StoreImageOptions {
  readonly writer: ChunkWriter;
  /** What the run's directory is called until it is complete. */
  readonly newRun: string;
}

/**
 * Writes everything of an image's run but its name, durably.
 * @throws KgetError as `importFile`; `corrupt` if it is not the image that it must be; Error the system's, for the store
 */
export async function writeNewRun(options: NewRunOptions): Promise<MachineImage> {
  const { place, source, newRun, startedAt, clock } = options;
  const beganMs = clock.nowMs();
  const parts: ImagePart[] = [];
  const described: ManifestImage[] = [];
  for (const file of source.parts) {
    const { part, snapshot } = await writePart(file, options);
    parts.push(part);
    described.push(snapshot);
  }
  const { name, arch, format, virtualSizeBytes, boot, hasJobRunner, recipe } = source;
  const content = { arch, format, boot, parts };
  const builtAt = startedAt.toISOString();
  const id = imageId(content);
  if (source.wantedId !== undefined && id !== source.wantedId) throw otherContent(source, id);
  const image = { id, name, ...content, virtualSizeBytes, hasJobRunner };
  const manifest = { ...image, builtAt, recipe };
  const endedAt = new Date(startedAt.getTime() + clock.nowMs() - beganMs);
  const file = manifestPath(place, newRun);
  await writeManifest(file, runManifest(options, { images: described, endedAt }));
  await replaceFile(join(dirname(file), IMAGE_MANIFEST_NAME), serialiseImageManifest(manifest));
  return { schema: IMAGE_SCHEMA, ...manifest };
}

function otherContent({ name, wantedId, parts }: ImageSource, found: string): KgetError {
  const files = parts.map(({ path }) => path).join(', ');
  return new KgetError(
    'corrupt',
    `Cannot store image ${name}: ${files} are an image with id ${found}, its manifest wants ` +
      `${wantedId}; one of them was changed or damaged`,
  );
}

async function writePart(
  { role, path }: PartFile,
  options: NewRunOptions,
): Promise<{ readonly part: ImagePart; readonly snapshot: ManifestImage }> {
  const { place, writer, signal, newRun, source, onProgress } = options;
  const name = partName(role, source.format);
  const indexPath = snapshotIndexPath(place, { run: newRun, node: IMAGE_NODE, name });
  await importFile({
    place,
    writer,
    indexPath,
    path,
    chunkSizeBytes: IMAGE_CHUNK_BYTES,
    level: DEFAULT_LEVEL,
    signal,
    onBegin: (sizeBytes) => options.onBegin?.(name, sizeBytes),
    onProgress: (bytes) => onProgress?.(bytes),
  });
  const { sizeBytes, imageDigest } = await summariseIndex(indexPath);
  const index = await describeIndex(indexPath);
  return {
    part: { role, name, sizeBytes, digest: imageDigest },
    snapshot: { node: IMAGE_NODE, path, name, ...index, wireBytes: 0, chunks: 0 },
  };
}

function runManifest(
  { run, startedAt, command }: NewRunOptions,
  end: { readonly images: readonly ManifestImage[]; readonly endedAt: Date },
): ManifestFields {
  return {
    run,
    startedAt: startedAt.toISOString(),
    endedAt: end.endedAt.toISOString(),
    user: userInfo().username,
    host: hostname(),
    version: VERSION,
    command: [...command],
    tags: [RUN_TAG],
    images: [...end.images],
    missing: [],
  };
}
