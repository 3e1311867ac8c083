import { toFailure } from '../base/error.ts';
import { isGood, type Fault, type VerifyReport } from '../upkeep/verify-report.ts';
import { verify, type VerifyOptions } from '../upkeep/verify.ts';
import type { ImagePart } from './image-manifest.ts';
import { readImages, type StoredImage } from './images.ts';
import { summariseIndex } from './part-digest.ts';

export interface ImagesReport {
  readonly images: readonly string[];
  /** What is wrong with manifests of images, tags, and indexes of parts. */
  readonly faults: readonly Fault[];
  /** What is wrong with chunks, and with the manifests of runs. Null if there was nothing to read. */
  readonly content: VerifyReport | null;
}

export type VerifyImagesOptions = Omit<VerifyOptions, 'selection' | 'share' | 'seed' | 'sources'>;

/**
 * Checks images: that each index is the one which the image's manifest means, and every chunk by
 * reading and hashing it. Without `images` all of the store, and then also that none is hidden by a
 * damaged manifest. A damaged chunk is renamed, so that a good one can take its place.
 * @throws KgetError as `verify` and `readImages`
 */
export async function verifyImages(
  options: VerifyImagesOptions,
  images?: readonly StoredImage[],
): Promise<ImagesReport> {
  const all = readImages(options.place);
  const faults: Fault[] =
    images === undefined ? all.warnings.map((message) => ({ subject: 'images', message })) : [];
  const checked = images ?? all.images;
  for (const stored of checked) {
    for (const part of stored.image.parts) {
      const message = await partFault(stored, part);
      if (message !== undefined) faults.push({ subject: stored.snapshotIdOf(part), message });
    }
  }
  const selectors = checked.flatMap((stored) => stored.image.parts.map(stored.snapshotIdOf));
  const selection = { selectors };
  // No selector at all would stand for every snapshot of the store.
  const content =
    selectors.length === 0
      ? null
      : await verify({ ...options, selection, share: 1, seed: 0, sources: [] });
  return { images: checked.map(({ image }) => image.id), faults, content };
}

/** Whether everything that was looked at is as it should be. */
export function areGood({ faults, content }: ImagesReport): boolean {
  return faults.length === 0 && (content === null || isGood(content));
}

/** What keeps the index of a part from being the one that the image's manifest means. */
export async function partFault(stored: StoredImage, part: ImagePart): Promise<string | undefined> {
  const path = stored.indexPathOf(part);
  try {
    const { imageDigest, sizeBytes } = await summariseIndex(path);
    if (imageDigest === part.digest && sizeBytes === part.sizeBytes) return undefined;
    return (
      `its index ${path} is of ${sizeBytes} B with digest ${imageDigest}, the image's manifest ` +
      `wants ${part.sizeBytes} B with ${part.digest}`
    );
  } catch (error) {
    return toFailure(error).message;
  }
}
