import { randomFillSync } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK_BYTES = 1024 * 1024;

/**
 * Makes a dense image of random data, and a sparse one twice as long of which one third is data.
 */
export function makeImages(
  directory: string,
  sizeBytes: number,
): { dense: string; sparse: string } {
  const dense = join(directory, 'dense');
  const sparse = join(directory, 'sparse');
  writeImage(dense, sizeBytes, () => 'data');
  // A third each of data, zeros that are written, and holes, in stretches of 32 MiB.
  writeImage(
    sparse,
    2 * sizeBytes,
    (block) => KINDS[Math.floor(block / 32) % KINDS.length] ?? 'hole',
  );
  return { dense, sparse };
}

type Kind = 'data' | 'zeros' | 'hole';
const KINDS: readonly Kind[] = ['data', 'zeros', 'hole'];

function writeImage(path: string, sizeBytes: number, kindOf: (block: number) => Kind): void {
  const fd = openSync(path, 'w');
  const zeros = Buffer.alloc(BLOCK_BYTES);
  const data = Buffer.alloc(BLOCK_BYTES);
  ftruncateSync(fd, sizeBytes);
  for (let offset = 0; offset < sizeBytes; offset += BLOCK_BYTES) {
    const kind = kindOf(offset / BLOCK_BYTES);
    if (kind === 'hole') continue;
    const block = kind === 'zeros' ? zeros : randomFillSync(data);
    writeSync(fd, block, 0, Math.min(BLOCK_BYTES, sizeBytes - offset), offset);
  }
  closeSync(fd);
}
