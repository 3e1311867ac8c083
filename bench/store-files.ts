import { createHash } from 'node:crypto';
import { entriesBelow } from './store-walk.ts';

/** A regular file of this machine. */
export interface HostFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Which files all images have, and which each image has for itself. */
export interface Deal {
  readonly base: readonly HostFile[];
  readonly own: readonly (readonly HostFile[])[];
}

/** Where the files come from: programs, libraries, documents and data of a Debian. */
export const HOST_DIRECTORIES = ['/usr/lib/x86_64-linux-gnu', '/usr/share', '/usr/bin'];

/** What a file takes up in an ext4 image: whole blocks. */
const BLOCK_BYTES = 4096;

/** Names that need no quotes in a script of debugfs(8). */
const PLAIN_PATH = /^[\w./+@:=,-]+$/;

/**
 * All regular files below the directories with plain names, up to a size; of several names of one
 * file one is taken.
 */
export function hostFiles(directories: readonly string[], mostBytes: number): HostFile[] {
  const found: HostFile[] = [];
  const seen = new Set<string>();
  for (const { path, status } of directories.flatMap((below) => [...entriesBelow(below)])) {
    const { dev, ino, size } = status;
    if (!status.isFile() || size === 0 || size > mostBytes || !PLAIN_PATH.test(path)) continue;
    if (seen.has(`${dev} ${ino}`)) continue;
    seen.add(`${dev} ${ino}`);
    found.push({ path, sizeBytes: size });
  }
  return found;
}

/**
 * Deals files in an order that hangs on their names alone and mixes all directories: first those of
 * the base, then those of each image, no file twice. Sizes count in blocks.
 * @throws Error if there are too few
 */
export function dealFiles(
  files: readonly HostFile[],
  wanted: { readonly baseBytes: number; readonly ownBytes: readonly number[] },
): Deal {
  const keyed = files.map((file) => ({ file, key: keyOf(file.path) }));
  keyed.sort((one, other) => (one.key < other.key ? -1 : 1));
  const queue = keyed.map(({ file }) => file)[Symbol.iterator]();
  const take = (bytes: number): HostFile[] => {
    const taken: HostFile[] = [];
    let takenBytes = 0;
    while (takenBytes < bytes) {
      const next = queue.next();
      if (next.done === true) throw tooFew(files, wanted);
      taken.push(next.value);
      takenBytes += blockBytes(next.value.sizeBytes);
    }
    return taken;
  };
  return { base: take(wanted.baseBytes), own: wanted.ownBytes.map(take) };
}

function blockBytes(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
}

function keyOf(path: string): string {
  return createHash('sha256').update(path).digest('hex');
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

function tooFew(
  files: readonly HostFile[],
  wanted: { readonly baseBytes: number; readonly ownBytes: readonly number[] },
): Error {
  const there = files.reduce((sum, file) => sum + blockBytes(file.sizeBytes), 0);
  const needed = wanted.ownBytes.reduce((sum, bytes) => sum + bytes, wanted.baseBytes);
  return new Error(
    `Cannot fill the images from files of this machine: ${mebibytes(there)} found below ` +
      `${HOST_DIRECTORIES.join(', ')}, ${mebibytes(needed)} wanted: take fewer or smaller images`,
  );
}
