import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { KgetError } from '../base/error.ts';
import { syncDirectory } from '../content/durable.ts';
import { storeFailure } from '../content/room.ts';
import { hasZstd } from '../content/zstd.ts';
import { openChunkWriter } from '../store/chunk-writer.ts';
import { type Lease, takeLease } from '../store/lease.ts';
import type { StorePlace } from '../store/store-place.ts';
import type { MachineImage } from './image-manifest.ts';
import { formatImageName, type ImageName } from './image-name.ts';
import { newRunName } from './image-place.ts';
import type { ImageSource } from './image-source.ts';
import { readTags, writeTags } from './image-tags.ts';
import { readImages, type StoredImage, storedImage } from './images.ts';
import { lockImages } from './lock-images.ts';
import { writeNewRun } from './new-run.ts';

export interface StoreImageOptions {
  /** A store that is not there is made. */
  readonly place: StorePlace;
  readonly source: ImageSource;
  /** What the image is called from now on, whatever was called so before. */
  readonly tags: readonly ImageName[];
  /** The run that the image becomes, if it is new: see `runName`. */
  readonly run: string;
  readonly startedAt: Date;
  /** For the manifest of the run. */
  readonly command: readonly string[];
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** A part is begun. */
  onBegin?(name: string, sizeBytes: number): void;
  onProgress?(doneBytes: number): void;
}

export interface Storing {
  readonly stored: StoredImage;
  /** False if the store had the same content before, as the image that `stored` is. */
  readonly isNew: boolean;
}

/**
 * Puts an image into a store: its parts byte for byte, in chunks, as a run of its own. The run gets
 * its name when all of it is there and durable; whenever this is stopped, there is the whole image
 * or none, and what of its chunks is stored is found again. Content that is an image of the store
 * already adds nothing but tags.
 * @throws KgetError `source-unreadable`, `source-changed`, `no-room`, `target-unwritable`, `locked`,
 * `cancelled`, `usage` if this Node.js has no zstd
 */
export async function storeImage(options: StoreImageOptions): Promise<Storing> {
  const { place, source } = options;
  if (!hasZstd) {
    const found = `found Node.js ${process.version}, wanted 22.15 or newer`;
    throw new KgetError('usage', `Cannot store image ${source.name} without zstd: ${found}`);
  }
  let lease: Lease | undefined;
  try {
    lease = takeLease(place, 'image');
    return await storeUnder(lease, options);
  } catch (error) {
    const title = `image ${source.name}`;
    throw storeFailure(error, { title, directory: place.directory, neededBytes: 0 });
  } finally {
    lease?.release();
  }
}

async function storeUnder(lease: Lease, options: StoreImageOptions): Promise<Storing> {
  const { place } = options;
  const newRun = newRunName(lease.name);
  const writer = await openChunkWriter(place, lease);
  try {
    const image = await writeNewRun({ ...options, writer, newRun });
    return await publish(image, { ...options, newRun });
  } finally {
    // Its name is another one if the image was published.
    rmSync(join(place.snapshots, newRun), { recursive: true, force: true });
    await writer.commit();
    await writer.close();
  }
}

async function publish(
  image: MachineImage,
  options: StoreImageOptions & { readonly newRun: string },
): Promise<Storing> {
  const { place, run, newRun } = options;
  using _lock = await lockImages(place, options);
  const known = readImages(place).images.find((one) => one.image.id === image.id);
  if (known === undefined) {
    renameSync(join(place.snapshots, newRun), join(place.snapshots, run));
    await syncDirectory(place.snapshots);
  }
  const tags = new Map(readTags(place));
  for (const name of options.tags) tags.set(formatImageName(name), image.id);
  await writeTags(place, tags);
  const facts = { run: known?.run ?? run, image: known?.image ?? image, tags };
  return { stored: storedImage(place, facts), isNew: known === undefined };
}
