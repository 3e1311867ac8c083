import { chmodSync, constants, copyFileSync } from 'node:fs';
import type { BlobIndex } from '../content/blob-index.ts';
import { type Seed, verified } from './seeds.ts';

/** Chunks that are compared before a seed is cloned; half of them must be at their places. */
const COMPARED_CHUNKS = 64;

/**
 * Makes the part file a clone of the seed that has most chunks of the image at their places, if
 * one has half of them and the file system shares blocks between files (XFS, Btrfs, …). What is
 * cloned is not believed: it is as good as what an earlier try has left. Returns whether it was.
 */
export async function cloneSeed(
  seeds: readonly Seed[],
  index: BlobIndex,
  part: { readonly path: string; readonly device: number },
): Promise<boolean> {
  let best: Seed | undefined;
  let most = Math.ceil(Math.min(COMPARED_CHUNKS, index.chunkCount) / 2) - 1;
  for (const seed of seeds.filter(({ device }) => device === part.device)) {
    const shared = await chunksInPlace(seed, index);
    if (shared > most) [best, most] = [seed, shared];
  }
  if (best === undefined) return false;
  try {
    const { COPYFILE_EXCL, COPYFILE_FICLONE_FORCE } = constants;
    copyFileSync(`/proc/self/fd/${best.fd}`, part.path, COPYFILE_EXCL | COPYFILE_FICLONE_FORCE);
    chmodSync(part.path, 0o600);
    return true;
  } catch {
    // Its chunks are copied one by one then.
    return false;
  }
}

/** How many of a few chunks, evenly spread over the image, a seed has where the image has them. */
async function chunksInPlace(seed: Seed, index: BlobIndex): Promise<number> {
  const count = Math.min(COMPARED_CHUNKS, index.chunkCount);
  let shared = 0;
  for (let at = 0; at < count; at += 1) {
    const [chunk] = index.read(Math.floor((at * index.chunkCount) / count), 1);
    if (chunk !== undefined && (await verified(seed, chunk, chunk.offset))) shared += 1;
  }
  return shared;
}
