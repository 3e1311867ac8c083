import { parseImageName, type ImageName } from '../machine-image/image-name.ts';
import type { ImageSource } from '../machine-image/image-source.ts';
import { storeImage, type Storing } from '../machine-image/store-image.ts';
import type { StorePlace } from '../store/store-place.ts';
import { KgetError } from '../base/error.ts';
import { byteProgress } from './byte-progress.ts';
import { listedImage } from './image-text.ts';
import { runName } from './run-name.ts';
import type { System } from './system.ts';
import { commandLine } from './words.ts';

/** What `image build` and `image import` do with what they have. */
export interface StoringOptions {
  readonly place: StorePlace;
  readonly source: ImageSource;
  readonly tags: readonly ImageName[];
  readonly json: boolean;
}

/** Stores an image and prints its id, or all of it as JSON. @throws KgetError as `storeImage` */
export async function storeAndTell(options: StoringOptions, system: System): Promise<void> {
  const { place, source, tags, json } = options;
  const startedAt = new Date();
  const progress = byteProgress(system.stderr, system.clock);
  try {
    const { stored, isNew } = await storeImage({
      place,
      source,
      tags,
      run: runName(startedAt, system.entropy),
      startedAt,
      command: system.commandLine,
      signal: system.interrupt,
      clock: system.clock,
      onBegin: (name, sizeBytes) => progress.begin(name, sizeBytes),
      onProgress: (bytes) => progress.done(bytes),
    });
    progress.end();
    tell({ stored, isNew }, { json, system });
  } catch (error) {
    progress.end();
    if (error instanceof KgetError && error.code === 'cancelled') tellOfAgain(system);
    throw error;
  }
}

/** A tag of an option: `v2` is one of the image's own name, `NAME:TAG` stands for itself. */
export function tagOf(text: string, name: string): ImageName {
  return parseImageName(text.includes(':') ? text : `${name}:${text}`);
}

function tellOfAgain(system: System): void {
  const again = commandLine(['kgetplus', ...system.commandLine]);
  system.stderr.write(`Interrupted: what is stored is found again by ${again}\n`);
}

function tell(
  { stored, isNew }: Storing,
  { json, system }: { readonly json: boolean; readonly system: System },
): void {
  const { image, tags } = stored;
  if (json) {
    const told = { ...listedImage(stored), isNew };
    system.stdout.write(`${JSON.stringify(told, undefined, 2)}\n`);
    return;
  }
  const was = isNew ? 'new image' : `the store had it already, built at ${image.builtAt}`;
  system.stderr.write(`${was}: ${tags.join(' ')}\n`);
  system.stdout.write(`${image.id}\n`);
}
