import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { KgetError } from '../base/error.ts';
import type { BlobIndex } from '../content/blob-index.ts';
import { createPacedSync } from '../content/paced-sync.ts';
import { ensureRoom, storeFailure } from '../content/room.ts';
import type { ChunkReader } from '../store/chunk-reader.ts';
import { cloneSeed } from './clone-seed.ts';
import { type Counts, fillPart, stopped } from './fill-part.ts';
import { holdsImage } from './holds-image.ts';
import { leftData } from './left-data.ts';
import { openSeeds, type Seeds } from './seeds.ts';
import { takeTarget, type TargetFile, type TargetOptions } from './target-file.ts';
import { dataBytesOf, type ZeroTeller, zeroTeller } from '../content/zero-chunks.ts';

export interface RestoreOptions extends TargetOptions {
  readonly index: BlobIndex;
  readonly chunks: ChunkReader;
  /** Files that may have much of the image; one that `path` names is a seed, too. */
  readonly seeds: readonly string[];
  readonly signal: AbortSignal;
  /** Called often, with what has been settled of the image. */
  onProgress?(doneBytes: number): void;
}

/** What a restore did. */
export interface Restored {
  readonly sizeBytes: number;
  /** Bytes of chunks that were read from the store. */
  readonly writtenBytes: number;
  /** Bytes of chunks that were found in seeds, or in what an earlier try had left. */
  readonly seededBytes: number;
}

/**
 * Writes an image to a file: every byte verified, zeros as holes, under its final name only when it
 * is complete and durable. What an interrupted try has left is verified and used; a file that is
 * the image already stays.
 * @throws KgetError `usage` if another file is there or a seed cannot be read, `no-room`,
 * `target-unwritable`, `locked`, `corrupt` (of the index or a chunk), `source-unreadable`,
 * `cancelled`; the part stays for another try
 */
export async function restoreImage(options: RestoreOptions): Promise<Restored> {
  const { index, path, signal } = options;
  const zeros = zeroTeller(index);
  if (!options.force && (await holdsImage(path, { index, zeros }, signal))) {
    const seededBytes = await dataBytesOf(index, zeros);
    return { sizeBytes: index.sizeBytes, writtenBytes: 0, seededBytes };
  }
  if (signal.aborted) throw stopped(options.title);
  const target = await takeTarget(options);
  try {
    using seeds = disposable(
      await openSeeds([...options.seeds, ...(target.isThere ? [path] : [])], index.algorithm),
    );
    const dataBytes = await dataBytesOf(index, zeros);
    return await writeAndPublish({ ...options, target, seeds, zeros, dataBytes });
  } finally {
    target.release();
  }
}

interface Work extends Omit<RestoreOptions, 'seeds'> {
  readonly target: TargetFile;
  readonly seeds: Seeds;
  readonly zeros: ZeroTeller;
  readonly dataBytes: number;
}

async function writeAndPublish(work: Work): Promise<Restored> {
  const { index, target, path, title, dataBytes } = work;
  const directory = dirname(path);
  let missingBytes = dataBytes;
  let part: Part | undefined;
  try {
    part = await openPart(work);
    missingBytes = Math.max(dataBytes - part.allocatedBytes, 0);
    ensureRoom({ title, directory, neededBytes: missingBytes });
    ftruncateSync(part.fd, index.sizeBytes);
    const counts = await fill(work, part.fd, part.leftBytes);
    closeSync(part.fd);
    part = undefined;
    await target.publish();
    return { sizeBytes: index.sizeBytes, ...counts };
  } catch (error) {
    throw storeFailure(error, { title, directory, neededBytes: missingBytes });
  } finally {
    if (part !== undefined) abandon(part.fd, target.partPath);
  }
}

async function fill(work: Work, fd: number, leftBytes: number): Promise<Counts> {
  const { index, target, signal } = work;
  const sync = createPacedSync(fd);
  const left = leftData(target.partPath, Math.min(leftBytes, index.sizeBytes), signal);
  try {
    const counts = await fillPart({ ...work, fd, left, sync });
    await sync.finish();
    return counts;
  } finally {
    await left.close();
    // The descriptor must not be closed, and used again, under it.
    await sync.idle();
  }
}

interface Part {
  readonly fd: number;
  /** How far an earlier try, or a clone, may have data. */
  readonly leftBytes: number;
  readonly allocatedBytes: number;
}

async function openPart({ target, path, seeds, index }: Work): Promise<Part> {
  const { partPath } = target;
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  if (statSync(partPath, { throwIfNoEntry: false }) === undefined) {
    const device = statSync(dirname(path)).dev;
    await cloneSeed(seeds.all, index, { path: partPath, device });
  }
  const fd = openSync(partPath, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  const stat = fstatSync(fd);
  if (stat.isFile()) return { fd, leftBytes: stat.size, allocatedBytes: stat.blocks * 512 };
  closeSync(fd);
  const found = 'found something else than a regular file; remove it';
  throw new KgetError('target-unwritable', `Cannot write ${partPath}: ${found}`);
}

/** Closes a part for another try; one without anything in it goes. */
function abandon(fd: number, path: string): void {
  const { blocks } = fstatSync(fd);
  closeSync(fd);
  if (blocks === 0) rmSync(path, { force: true });
}

function disposable(seeds: Seeds): Seeds & Disposable {
  return { ...seeds, [Symbol.dispose]: () => seeds.close() };
}
