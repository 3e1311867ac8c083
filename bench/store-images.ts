import { copyFileSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  CHANGE_BYTES,
  CHANGED_SHARE,
  chooseChanged,
  dataBlocks,
  indexBytes,
  rewriteBlocks,
} from './store-changes.ts';
import { dealFiles, HOST_DIRECTORIES, hostFiles, type HostFile } from './store-files.ts';
import { runTool } from './store-programs.ts';
import { guestRun, guestScript, writeLonger } from './store-guest.ts';

/** The images in both states, each as `STATE/NODE/disk.img`. */
export interface StoreImages {
  readonly nodes: readonly string[];
  /** The directory of each state: as the guests left them first, and 1 % later. */
  readonly first: string;
  readonly second: string;
  readonly logicalBytes: number;
  /** Of the first state, in blocks of 128 KiB that are not zeros. */
  readonly dataBytes: number;
  /** What was rewritten in all images together. */
  readonly changedBytes: number;
  /** The indexes of all images together. */
  readonly indexBytes: number;
}

/** Shares of an image that the base fills, and that each guest adds: from the least to the most. */
const BASE_SHARE = 0.55;
const LEAST_OWN_SHARE = 0.04;
const MOST_OWN_SHARE = 0.08;

/** No file fills more than this share of an image. */
const FILE_SHARE = 1 / 16;

/** Constant, so that a base has the same blocks each time; otherwise without meaning. */
const EXT4_ID = '6b676574-2b6c-4162-8000-000000000002';

/**
 * Makes ext4 images of real files of this machine: one base image by `mke2fs -d`, cloned for each
 * node, on which each guest then writes, replaces and removes files of its own by `debugfs`.
 * @throws Error if the machine has too few files, or a program fails
 */
export async function makeStoreImages(
  work: string,
  options: { readonly images: number; readonly sizeBytes: number },
): Promise<StoreImages> {
  const { images, sizeBytes } = options;
  const nodes = Array.from({ length: images }, (_, place) => `n${place + 1}`);
  const ownStep = (MOST_OWN_SHARE - LEAST_OWN_SHARE) / Math.max(1, images - 1);
  const deal = dealFiles(hostFiles(HOST_DIRECTORIES, sizeBytes * FILE_SHARE), {
    baseBytes: sizeBytes * BASE_SHARE,
    ownBytes: nodes.map((_, place) => sizeBytes * (LEAST_OWN_SHARE + place * ownStep)),
  });
  const template = join(work, 'template.img');
  await makeTemplate(template, deal.base, sizeBytes);
  let dataBytes = 0;
  let changedBytes = 0;
  for (const [place, node] of nodes.entries()) {
    const first = join(work, 'first', node, 'disk.img');
    await cloneFile(template, first);
    await runGuest(first, { base: deal.base, own: deal.own[place] ?? [], image: place });
    const second = join(work, 'second', node, 'disk.img');
    await cloneFile(first, second);
    const data = await dataBlocks(first);
    const changed = chooseChanged(data, CHANGED_SHARE, node);
    await rewriteBlocks(second, changed, `second state of ${node}`);
    dataBytes += data.length * CHANGE_BYTES;
    changedBytes += changed.length * CHANGE_BYTES;
  }
  rmSync(template);
  return {
    nodes,
    first: join(work, 'first'),
    second: join(work, 'second'),
    logicalBytes: images * sizeBytes,
    dataBytes,
    changedBytes,
    indexBytes: images * indexBytes(sizeBytes),
  };
}

async function makeTemplate(
  path: string,
  base: readonly HostFile[],
  sizeBytes: number,
): Promise<void> {
  const tree = `${path}.tree`;
  for (const file of base) {
    const copy = join(tree, file.path);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(file.path, copy);
  }
  writeFileSync(path, '');
  truncateSync(path, sizeBytes);
  const format = `-q -F -t ext4 -b 4096 -m 0 -U ${EXT4_ID} -E hash_seed=${EXT4_ID},root_owner=0:0`;
  await runTool('mke2fs', [...format.split(' '), '-d', tree, path]);
  rmSync(tree, { recursive: true });
}

async function cloneFile(from: string, to: string): Promise<void> {
  mkdirSync(dirname(to), { recursive: true });
  await runTool('cp', ['--sparse=always', '--reflink=never', from, to]);
}

async function runGuest(
  path: string,
  guest: {
    readonly base: readonly HostFile[];
    readonly own: readonly HostFile[];
    readonly image: number;
  },
): Promise<void> {
  const does = guestRun(guest.base, guest.own, guest.image);
  const longer = `${path}.longer`;
  const script = `${path}.debugfs`;
  writeFileSync(script, guestScript(does, guest.image, writeLonger(longer, does, guest.image)));
  await runTool('debugfs', ['-w', '-f', script, path]);
  rmSync(longer, { recursive: true });
  rmSync(script);
  // debugfs says "success" whatever happened.
  await runTool('e2fsck', ['-f', '-n', path]);
}
