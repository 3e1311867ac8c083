import type { Command } from 'commander';
import { findImage } from '../machine-image/find-image.ts';
import { listedImage, renderImage } from './image-text.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT = `
Examples:
  kgetplus image show tiny
  kgetplus image show 3f9a17 --json`;

/** Declares `image show`. */
export function addImageShow(images: Command, system: System): void {
  const command = images
    .command('show')
    .summary('tell everything of an image')
    .description('Shows what an image is made of: its parts, how it boots, and its recipe.')
    .argument('<image>', 'NAME[:TAG], or the beginning of an id');
  addStoreOption(command)
    .option('--json', 'print it as JSON', false)
    .addHelpText('after', ABOUT)
    .action((text: string, options: StoreOption & { readonly json: boolean }) => {
      const stored = findImage(storeAt(options, system), text);
      const shown = options.json
        ? `${JSON.stringify(listedImage(stored), undefined, 2)}\n`
        : renderImage(stored);
      system.stdout.write(shown);
    });
}
