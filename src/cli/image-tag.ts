import type { Command } from 'commander';
import { findImage } from '../machine-image/find-image.ts';
import { formatImageName, parseImageName } from '../machine-image/image-name.ts';
import { tagImage } from '../machine-image/tag-image.ts';
import { shortId } from './image-text.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT = `
Whatever had that name before keeps its others. A tag is taken away by image rm --tag-only.

Examples:
  kgetplus image tag tiny tiny:v2
  kgetplus image tag 3f9a17c2 worker`;

/** Declares `image tag`. */
export function addImageTag(images: Command, system: System): void {
  const command = images
    .command('tag')
    .summary('give an image another name')
    .description('Calls an image NAME[:TAG] from now on, besides what it is called already.')
    .argument('<image>', 'NAME[:TAG], or the beginning of an id')
    .argument('<name>', 'NAME[:TAG]; the tag is "latest" unless given');
  addStoreOption(command)
    .option('--json', 'print id and tags as JSON', false)
    .addHelpText('after', ABOUT)
    .action(async (text: string, as: string, options: StoreOption & { readonly json: boolean }) => {
      const place = storeAt(options, system);
      const name = parseImageName(as);
      const { clock, interrupt: signal } = system;
      const stored = await tagImage(place, findImage(place, text), { clock, signal, name });
      const { image, tags } = stored;
      const line = options.json
        ? JSON.stringify({ id: image.id, tags })
        : `${shortId(image)}  ${formatImageName(name)}`;
      system.stdout.write(`${line}\n`);
    });
}
