import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { noiseOf } from '../src/samples/image-file.ts';

/** In which units changes are made, and bytes of index counted: the product's default chunk. */
export const CHANGE_BYTES = 128 * 1024;

/** A share of the data that is rewritten between the first gather and the second. */
export const CHANGED_SHARE = 0.01;

/** The positions of an image's blocks of `CHANGE_BYTES` that hold anything but zeros. */
export async function dataBlocks(path: string): Promise<number[]> {
  const file = await open(path);
  const found: number[] = [];
  const block = Buffer.alloc(CHANGE_BYTES);
  const zeros = Buffer.alloc(CHANGE_BYTES);
  try {
    for (let position = 0; ; position += 1) {
      const { bytesRead } = await file.read(block, 0, CHANGE_BYTES, position * CHANGE_BYTES);
      if (bytesRead === 0) return found;
      if (block.compare(zeros, 0, bytesRead, 0, bytesRead) !== 0) found.push(position);
    }
  } finally {
    await file.close();
  }
}

/** Chooses a share of positions, one at least, spread over all; equal seeds choose the same. */
export function chooseChanged(positions: readonly number[], share: number, seed: string): number[] {
  const keyed = positions.map((position) => ({
    position,
    key: createHash('sha256').update(`${seed} ${position}`).digest('hex'),
  }));
  keyed.sort((one, other) => (one.key < other.key ? -1 : 1));
  const count = Math.min(positions.length, Math.max(1, Math.round(positions.length * share)));
  return keyed
    .slice(0, count)
    .map(({ position }) => position)
    .toSorted((one, other) => one - other);
}

/** Overwrites blocks of an image with noise that no other image and seed has. */
export async function rewriteBlocks(
  path: string,
  positions: readonly number[],
  seed: string,
): Promise<void> {
  const file = await open(path, 'r+');
  const noise = noiseOf(seed);
  try {
    for (const position of positions) {
      await file.write(noise(CHANGE_BYTES), 0, CHANGE_BYTES, position * CHANGE_BYTES);
    }
  } finally {
    await file.close();
  }
}

/** The length of an index (`.caibx`) of an image: docs/formats.md. */
export function indexBytes(imageBytes: number): number {
  return 104 + 40 * Math.ceil(imageBytes / CHANGE_BYTES);
}
