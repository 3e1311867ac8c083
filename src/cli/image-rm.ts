import type { Command } from 'commander';
import { KgetError } from '../base/error.ts';
import { findImage } from '../machine-image/find-image.ts';
import { parseImageName } from '../machine-image/image-name.ts';
import type { StoredImage } from '../machine-image/images.ts';
import { removeImage } from '../machine-image/remove-image.ts';
import { removeTag } from '../machine-image/tag-image.ts';
import type { ImageHooks } from './image.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT = `
An image that has other tags than the one it is named by, or that a job uses, is removed only with
--force. Room is freed by the next prune, as far as nothing else needs the chunks.

Examples:
  kgetplus image rm tiny:v1
  kgetplus image rm 3f9a17c2 --force
  kgetplus image rm tiny:v1 --tag-only`;

interface RmOptions extends StoreOption {
  readonly force: boolean;
  readonly tagOnly: boolean;
  readonly json: boolean;
}

/** Declares `image rm`. */
export function addImageRm(images: Command, system: System, hooks: ImageHooks): void {
  const command = images
    .command('rm')
    .summary('remove an image, or a tag')
    .description('Removes an image and its tags from a store.')
    .argument('<image>', 'NAME[:TAG], or the beginning of an id');
  addStoreOption(command)
    .option('--tag-only', 'take only the tag away', false)
    .option('--force', 'also an image that is used, or has other tags', false)
    .option('--json', 'print the id, and what was removed, as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (text: string, options: RmOptions) => {
      const removed = await remove(text, options, system, hooks);
      const line = options.json ? JSON.stringify(removed) : removed.id;
      system.stdout.write(`${line}\n`);
    });
}

async function remove(
  text: string,
  options: RmOptions,
  system: System,
  hooks: ImageHooks,
): Promise<{ readonly id: string; readonly removed: 'tag' | 'image' }> {
  const place = storeAt(options, system);
  const { clock, interrupt: signal } = system;
  const { force } = options;
  if (options.tagOnly) {
    const id = await removeTag(place, { clock, signal, name: parseImageName(text) });
    return { id, removed: 'tag' };
  }
  const stored = findImage(place, text);
  if (!force) confirmOnlyTag(stored, text);
  const inUse = (id: string): string | undefined => hooks.inUse(place, id);
  await removeImage(place, stored, { clock, signal, force, inUse });
  return { id: stored.image.id, removed: 'image' };
}

/** Whoever names an image by one of several tags may mean only that. */
function confirmOnlyTag({ image, tags }: StoredImage, text: string): void {
  if (tags.length < 2 || image.id.startsWith(text)) return;
  throw new KgetError(
    'usage',
    `Cannot remove image ${text}: it is called ${tags.join(', ')}; take the tag away with ` +
      '--tag-only, or remove the image with --force',
  );
}
