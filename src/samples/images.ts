import { execFile } from 'node:child_process';
import { accessSync, constants, copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { noiseOf, tooManyOwnBytes, withNewFile, WRITE_BYTES, writeAll } from './image-file.ts';
import type { ImageOptions } from './image-file.ts';

/**
 * Images of disks for tests and demonstrations. Nothing but Node.js is used, so that the product can
 * take them along. Equal arguments give equal bytes, except for the times in an ext4 image's inodes.
 */

/** Writes a file of `bytes` random-looking bytes; equal seeds give equal bytes. */
export async function incompressibleImage(
  path: string,
  bytes: number,
  seed: string,
): Promise<void> {
  await withNewFile(path, async (file) => {
    await writeNoise(file, { offset: 0, bytes, seed });
  });
}

/** How a `diskLikeImage` is laid out: stretches of this size are base, own or zero. */
const STRETCH_BYTES = 2 * WRITE_BYTES;

/**
 * Writes a sparse image like a disk's: the base in the first half, with gaps of zeros; own bytes at
 * the start of the second half; zeros. Needs no tools.
 */
export async function diskLikeImage(path: string, options: ImageOptions): Promise<void> {
  const { sizeBytes, ownBytes, seed } = options;
  const half = Math.floor(sizeBytes / 2);
  if (ownBytes > sizeBytes - half) throw tooManyOwnBytes(path, options, sizeBytes - half);
  await withNewFile(path, async (file) => {
    for (let offset = 0; offset < half; offset += STRETCH_BYTES) {
      // Three quarters of each stretch; the rest stays a hole.
      const bytes = Math.floor((Math.min(STRETCH_BYTES, half - offset) * 3) / 4);
      await writeNoise(file, { offset, bytes, seed: `base ${offset}` });
    }
    await writeNoise(file, { offset: half, bytes: ownBytes, seed });
    await file.truncate(sizeBytes);
  });
}

/** The smallest ext4 image: below that there is more format than content. */
const EXT4_MIN_BYTES = 48 * 1024 * 1024;

/** The part of an ext4 image that the base fills; format, own file and free blocks are the rest. */
const BASE_PART = 0.6;

/** Constant, so that images with the same base have the same blocks; otherwise without meaning. */
const EXT4_ID = '6b676574-2b6c-4162-8000-000000000001';

/** Where the system keeps `mke2fs`; ordinary users seldom have these in their search path. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin', '/usr/local/sbin', '/usr/bin', '/bin'];

export interface Ext4Options extends ImageOptions {
  /**
   * Directories of this machine whose files make the base, e.g. `/usr/lib`. The base takes a file
   * from each in turn, so that it is a mix of them at any size.
   */
  readonly baseDirectories: readonly string[];
}

/** The path of `mke2fs` (Debian: e2fsprogs); where there is none, use `diskLikeImage`. */
export function findMke2fs(): string | undefined {
  return SYSTEM_FOLDERS.map((folder) => join(folder, 'mke2fs')).find((path) =>
    allows(path, constants.X_OK),
  );
}

/**
 * Makes a sparse ext4 image with real files from this machine, and a file of its own. Images with
 * one base have the same files at the same blocks; a larger one has more of them. Needs no root. A
 * temporary directory beside `path` holds the files while the image is made.
 * @throws Error without `mke2fs`, if the sizes do not fit, or what `mke2fs` says
 */
export async function ext4Image(path: string, options: Ext4Options): Promise<void> {
  const { sizeBytes, ownBytes, seed } = options;
  const mke2fs = findMke2fs();
  if (mke2fs === undefined) {
    throw new Error(`Cannot make ${path}: no mke2fs in ${SYSTEM_FOLDERS.join(' ')}`);
  }
  if (sizeBytes < EXT4_MIN_BYTES) {
    throw new Error(`Cannot make ${path} of ${sizeBytes} bytes: wanted ${EXT4_MIN_BYTES} at least`);
  }
  const ownLimit = Math.floor(sizeBytes / 4);
  if (ownBytes > ownLimit) throw tooManyOwnBytes(path, options, ownLimit);
  const tree = await mkdtemp(join(dirname(path), `.${basename(path)}-`));
  try {
    copyBase(tree, options.baseDirectories, sizeBytes * BASE_PART);
    // mke2fs goes by name: what comes last leaves the blocks of all others where they are.
    await incompressibleImage(join(tree, 'zz-own'), ownBytes, seed);
    await withNewFile(path, async (file) => file.truncate(sizeBytes));
    await runMke2fs([mke2fs, ...formatOptions(sizeBytes), '-d', tree, path]);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

/** A block group of ext4: what one block of 4 KiB has bits for. */
const GROUP_BYTES = 8 * 4096 * 4096;
const INODES_PER_GROUP = 8192;

/**
 * The options of `mke2fs`. By default it lays inode tables, journal and room to grow out by the size
 * of the image, and no file's blocks would begin at the same place in images of two sizes; disks
 * that were cloned from one template and then grown do have them at the same place.
 */
function formatOptions(sizeBytes: number): readonly string[] {
  const inodes = INODES_PER_GROUP * Math.ceil(sizeBytes / GROUP_BYTES);
  const plain = `-q -F -t ext4 -b 4096 -m 0 -U ${EXT4_ID} -O ^flex_bg,^resize_inode -N ${inodes}`;
  const journal = ['-J', 'size=4,location=8M'];
  return [...plain.split(' '), ...journal, '-E', `hash_seed=${EXT4_ID},root_owner=0:0`];
}

/** Smaller files cost time and fill inode tables, larger ones fill the image. */
const BASE_FILE_MIN_BYTES = 64 * 1024;
const BASE_FILE_MAX_BYTES = 8 * 1024 * 1024;

/** Copies files, numbered in the order in which they come, until the next would exceed `bytes`. */
function copyBase(tree: string, directories: readonly string[], bytes: number): void {
  mkdirSync(join(tree, 'base'));
  let copied = 0;
  let count = 0;
  for (const { path, size } of inTurn(directories.map(baseFilesBelow))) {
    if (copied + size > bytes) return;
    const name = `${String(count).padStart(6, '0')}-${basename(path)}`;
    copyFileSync(path, join(tree, 'base', name));
    copied += size;
    count += 1;
  }
}

interface BaseFile {
  readonly path: string;
  readonly size: number;
}

/** One of each, again and again, until all have come to their end. */
function* inTurn(sources: readonly Generator<BaseFile>[]): Generator<BaseFile> {
  let left = sources;
  while (left.length > 0) {
    const ended = new Set<Generator<BaseFile>>();
    for (const source of left) {
      const { done, value } = source.next();
      if (done === true) ended.add(source);
      else yield value;
    }
    left = left.filter((source) => !ended.has(source));
  }
}

function* baseFilesBelow(directory: string): Generator<BaseFile> {
  for (const path of filesBelow(directory)) {
    const { size } = statSync(path);
    if (size >= BASE_FILE_MIN_BYTES && size <= BASE_FILE_MAX_BYTES) yield { path, size };
  }
}

/** Regular files below a directory that we may read, depth first, in the order of their names. */
function* filesBelow(directory: string): Generator<string> {
  const entries = readdirSync(directory, { withFileTypes: true });
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() && allows(path, constants.R_OK | constants.X_OK))
      yield* filesBelow(path);
    else if (entry.isFile() && allows(path, constants.R_OK)) yield path;
  }
}

function allows(path: string, access: number): boolean {
  try {
    accessSync(path, access);
    return true;
  } catch {
    return false;
  }
}

async function runMke2fs(argv: readonly [string, ...string[]]): Promise<void> {
  const [tool, ...options] = argv;
  try {
    await promisify(execFile)(tool, options);
  } catch (error) {
    throw new Error(
      `Cannot run mke2fs: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}

async function writeNoise(
  file: FileHandle,
  what: { readonly offset: number; readonly bytes: number; readonly seed: string },
): Promise<void> {
  const noise = noiseOf(what.seed);
  const end = what.offset + what.bytes;
  for (let offset = what.offset; offset < end; offset += WRITE_BYTES) {
    await writeAll(file, noise(Math.min(WRITE_BYTES, end - offset)), offset);
  }
}
