import { execFile } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { accessSync, constants, copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Images for tests and demonstrations. This file uses nothing but Node.js, so that the product can
 * take it along. Equal arguments give equal bytes, except for the times in an ext4 image's inodes.
 */

const WRITE_BYTES = 1024 * 1024;

/** What an image of a disk is made of. */
export interface DiskOptions {
  readonly sizeBytes: number;
  /** How many bytes this image has for itself; the rest is the base that all share, and zeros. */
  readonly ownBytes: number;
  /** Tells the own bytes of one image from those of another. */
  readonly seed: string;
}

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
export async function diskLikeImage(path: string, options: DiskOptions): Promise<void> {
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

export interface Ext4Options extends DiskOptions {
  /** Directories of this machine whose files make the base, e.g. `/usr/lib`; in this order. */
  readonly baseDirectories: readonly string[];
}

/** The path of `mke2fs` (Debian: e2fsprogs); where there is none, use `diskLikeImage`. */
export function findMke2fs(): string | undefined {
  return SYSTEM_FOLDERS.map((folder) => join(folder, 'mke2fs')).find((path) =>
    allows(path, constants.X_OK),
  );
}

/**
 * Makes a sparse ext4 image with real files from this machine, the same for every image of that
 * size and base, and a file of its own. Needs no root. A temporary directory beside `path` holds
 * the files while the image is made.
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
    const format = `-q -F -t ext4 -b 4096 -m 0 -U ${EXT4_ID}`;
    const extended = ['-E', `hash_seed=${EXT4_ID},root_owner=0:0`];
    await runMke2fs([mke2fs, ...format.split(' '), ...extended, '-d', tree, path]);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

/** Smaller files cost time and fill inode tables, larger ones fill the image. */
const BASE_FILE_MIN_BYTES = 64 * 1024;
const BASE_FILE_MAX_BYTES = 8 * 1024 * 1024;

/** Copies files, numbered in the order of their paths, until the next would exceed `bytes`. */
function copyBase(tree: string, directories: readonly string[], bytes: number): void {
  mkdirSync(join(tree, 'base'));
  let copied = 0;
  let count = 0;
  for (const path of filesBelowAll(directories)) {
    const { size } = statSync(path);
    if (size < BASE_FILE_MIN_BYTES || size > BASE_FILE_MAX_BYTES) continue;
    if (copied + size > bytes) return;
    const name = `${String(count).padStart(6, '0')}-${basename(path)}`;
    copyFileSync(path, join(tree, 'base', name));
    copied += size;
    count += 1;
  }
}

function* filesBelowAll(directories: readonly string[]): Generator<string> {
  for (const directory of directories) yield* filesBelow(directory);
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

/** Writes the key stream of AES-128 in counter mode, which passes for noise and costs little. */
async function writeNoise(
  file: FileHandle,
  what: { readonly offset: number; readonly bytes: number; readonly seed: string },
): Promise<void> {
  const key = createHash('sha256').update(what.seed).digest();
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16, 32));
  const zeros = Buffer.alloc(Math.min(WRITE_BYTES, what.bytes));
  const end = what.offset + what.bytes;
  for (let offset = what.offset; offset < end; offset += zeros.length) {
    const noise = cipher.update(zeros.subarray(0, Math.min(zeros.length, end - offset)));
    await writeAll(file, noise, offset);
  }
}

/** A write may take less than it was given. */
async function writeAll(file: FileHandle, bytes: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

async function withNewFile(path: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'w');
  try {
    await fill(file);
  } finally {
    await file.close();
  }
}

function tooManyOwnBytes(path: string, options: DiskOptions, limit: number): Error {
  return new Error(
    `Cannot make ${path}: ${options.ownBytes} own bytes do not fit, wanted ${limit} at most`,
  );
}
