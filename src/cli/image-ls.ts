import type { Command } from 'commander';
import { readImages } from '../machine-image/images.ts';
import { visible } from '../report/names.ts';
import { listedImage, renderImages } from './image-text.ts';
import { addStoreOption, storeAt, type StoreOption } from './store-option.ts';
import type { System } from './system.ts';

const ABOUT = `
Disk: what machines see. Files: bytes of disk, kernel and initramfs together.

Examples:
  kgetplus image ls --store /srv/snapshots
  kgetplus image ls --json`;

/** Declares `image ls`. */
export function addImageLs(images: Command, system: System): void {
  const command = images
    .command('ls')
    .summary('list images')
    .description('Lists the machine images of a store, the oldest first.');
  addStoreOption(command)
    .option('--json', 'print the list as JSON', false)
    .addHelpText('after', ABOUT)
    .action((options: StoreOption & { readonly json: boolean }) => {
      const place = storeAt(options, system);
      const found = readImages(place);
      for (const warning of found.warnings) {
        system.stderr.write(`kgetplus: ${visible(warning)}\n`);
      }
      const listing = {
        schema: 'kgetplus.images/1',
        store: place.directory,
        images: found.images.map(listedImage),
      };
      if (options.json) system.stdout.write(`${JSON.stringify(listing, undefined, 2)}\n`);
      else system.stdout.write(renderImages(found.images, place.directory));
    });
}
