import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError, systemCode, toFailure } from '../base/error.ts';
import { snapshotIndexPath } from '../catalogue/catalogue.ts';
import type { StorePlace } from '../store/store-place.ts';
import { imageId } from './image-id.ts';
import {
  IMAGE_MANIFEST_NAME,
  type ImagePart,
  type MachineImage,
  parseImageManifest,
} from './image-manifest.ts';
import { IMAGE_NODE } from './image-place.ts';
import { readTags } from './image-tags.ts';

/** A machine image in a store: a run of its own, whose snapshots are the parts. */
export interface StoredImage {
  readonly image: MachineImage;
  /** `NAME:TAG`, sorted: what it is called now. */
  readonly tags: readonly string[];
  readonly run: string;
  /** The index (`.caibx`) of a part. */
  indexPathOf(part: ImagePart): string;
  /** The part as a snapshot: `RUN/image/NAME`. */
  snapshotIdOf(part: ImagePart): string;
}

export interface StoredImages {
  /** The oldest first; each has all indexes, and its id is that of what its manifest says. */
  readonly images: readonly StoredImage[];
  /** A line for all that is not as it should be. */
  readonly warnings: readonly string[];
}

/**
 * The machine images of a store. Reads manifests, not indexes.
 * @throws KgetError `usage` if there is no store, `source-unreadable`; `corrupt` or `version` if it
 * cannot be told how images are called
 */
export function readImages(place: StorePlace): StoredImages {
  const warnings: string[] = [];
  const tags = readTags(place);
  const byId = new Map<string, StoredImage>();
  for (const run of runsIn(place)) {
    const stored = readImage(place, { run, tags, warnings });
    // Who copies a run by hand has an image twice: the older one counts.
    if (stored !== undefined && !byId.has(stored.image.id)) byId.set(stored.image.id, stored);
  }
  for (const [name, id] of tags) {
    if (!byId.has(id)) warnings.push(`${name} is the tag of ${id}, which is no image here`);
  }
  return { images: [...byId.values()], warnings };
}

function readImage(
  place: StorePlace,
  facts: {
    readonly run: string;
    readonly tags: ReadonlyMap<string, string>;
    readonly warnings: string[];
  },
): StoredImage | undefined {
  const { run, tags, warnings } = facts;
  const file = join(place.snapshots, run, IMAGE_MANIFEST_NAME);
  const text = textOf(file, warnings);
  if (text === undefined) return undefined;
  try {
    const image = parseImageManifest({ text, file });
    const stored = storedImage(place, { run, image, tags });
    const defect = defectOf(stored);
    if (defect === undefined) return stored;
    warnings.push(`Cannot use the image of ${file}: ${defect}`);
  } catch (error) {
    warnings.push(toFailure(error).message);
  }
  return undefined;
}

/** An image by its manifest, with what there is to know of it here. */
export function storedImage(
  place: StorePlace,
  facts: {
    readonly run: string;
    readonly image: MachineImage;
    readonly tags: ReadonlyMap<string, string>;
  },
): StoredImage {
  const { run, image, tags } = facts;
  const own = [...tags].flatMap(([name, id]) => (id === image.id ? [name] : []));
  return {
    image,
    tags: own.toSorted(),
    run,
    indexPathOf: ({ name }) => snapshotIndexPath(place, { run, node: IMAGE_NODE, name }),
    snapshotIdOf: ({ name }) => `${run}/${IMAGE_NODE}/${name}`,
  };
}

/** What keeps an image from being used, as the end of a sentence. */
function defectOf({ image, indexPathOf }: StoredImage): string | undefined {
  const bad = image.parts.find(({ name }) => name.startsWith('.') || /[/\0]/.test(name));
  if (bad !== undefined) return `no file can be called "${bad.name}"`;
  const roles = image.parts.map(({ role }) => role).toSorted();
  const wanted = image.boot.kind === 'kernel' ? /^disk,(initramfs,)?kernel$/ : /^disk$/;
  if (!wanted.test(roles.join()))
    return `it boots from a ${image.boot.kind} and has ${roles.join()}`;
  const missing = image.parts.map(indexPathOf).find((path) => !existsSync(path));
  if (missing !== undefined) return `its index ${missing} is missing`;
  const id = imageId(image);
  return id === image.id ? undefined : `its id is ${image.id}, what it describes has ${id}`;
}

function textOf(file: string, warnings: string[]): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // Most runs are no images, and one may be removed meanwhile.
    if (systemCode(error) !== 'ENOENT') warnings.push(toFailure(error).message);
    return undefined;
  }
}

function runsIn({ directory, snapshots }: StorePlace): readonly string[] {
  try {
    return readdirSync(snapshots, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .toSorted();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') {
      const found = toFailure(error).message;
      throw new KgetError('source-unreadable', `Cannot read ${snapshots}: ${found}`, {
        cause: error,
      });
    }
    throw new KgetError(
      'usage',
      `Cannot use ${directory} as a store: there is no ${snapshots}; name one with --store, or ` +
        'make one with image build or image import',
      { cause: error },
    );
  }
}
