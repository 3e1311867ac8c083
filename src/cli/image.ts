import type { Command } from 'commander';
import type { StorePlace } from '../store/store-place.ts';
import { addImageBuild } from './image-build.ts';
import { addImageExport } from './image-export.ts';
import { addImageImport } from './image-import.ts';
import { addImageLs } from './image-ls.ts';
import { addImageRm } from './image-rm.ts';
import { addImageShow } from './image-show.ts';
import { addImageTag } from './image-tag.ts';
import { addImageVerify } from './image-verify.ts';
import { addImagePush } from './image-push.ts';
import type { System } from './system.ts';

const ABOUT = `
IMAGE is NAME[:TAG] (the tag is "latest" unless given), or the beginning of an id, of at least 6
digits. An image never changes; tags do. Images lie in a store of snapshots and share chunks with
these.

Examples:
  kgetplus image build recipes/tiny/recipe.yaml --store /srv/snapshots
  kgetplus image ls
  kgetplus image import debian-12-generic-amd64.qcow2 --name debian:12
  kgetplus image export tiny --to /mnt/tiny/`;

/** What the commands about images ask the rest of the program. */
export interface ImageHooks {
  /** Who uses an image of a store, in words for people; undefined if nobody does. */
  inUse(place: StorePlace, id: string): string | undefined;
}

/** Declares `image` and its commands. */
export function addImage(
  program: Command,
  system: System,
  hooks: ImageHooks = { inUse: () => undefined },
): void {
  const command = program
    .command('image')
    .summary('build, list, import, export and remove machine images')
    .description('Machine images that jobs run in, in a store.')
    .addHelpText('after', ABOUT);
  addImageBuild(command, system);
  addImageLs(command, system);
  addImageShow(command, system);
  addImageImport(command, system);
  addImageExport(command, system);
  addImageTag(command, system);
  addImagePush(command, system);
  addImageRm(command, system, hooks);
  addImageVerify(command, system);
  for (const own of command.commands) {
    own.exitOverride().showHelpAfterError(`(try kgetplus image ${own.name()} --help)`);
  }
}
