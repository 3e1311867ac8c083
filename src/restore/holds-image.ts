import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { BlobIndex, IndexedChunk } from '../content/blob-index.ts';
import { isZero } from '../content/digest.ts';
import { hasDigest, readRange } from './file-pieces.ts';
import { createFlight } from './flight.ts';
import { leftData } from './left-data.ts';
import { chunkBatches } from '../content/chunk-batches.ts';
import type { ZeroTeller } from '../content/zero-chunks.ts';

/**
 * Whether the file at `path` is this image, byte for byte: an earlier command may have made it.
 * False for what cannot be read; when `signal` is aborted, too.
 */
export async function holdsImage(
  path: string,
  image: { readonly index: BlobIndex; readonly zeros: ZeroTeller },
  signal: AbortSignal,
): Promise<boolean> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return false;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size !== image.index.sizeBytes) return false;
    return await allChunksAre({ path, fd, ...image }, signal);
  } finally {
    closeSync(fd);
  }
}

interface Compared {
  readonly path: string;
  readonly fd: number;
  readonly index: BlobIndex;
  readonly zeros: ZeroTeller;
}

async function allChunksAre(compared: Compared, signal: AbortSignal): Promise<boolean> {
  const { path, fd, index, zeros } = compared;
  const data = leftData(path, index.sizeBytes, signal);
  const flight = createFlight();
  const seen = { isSame: true };
  async function compare(chunk: IndexedChunk): Promise<void> {
    const { offset, lengthBytes: length } = chunk;
    const bytes = await readRange(fd, { offset, length });
    const isIt = zeros(chunk) ? isZero(bytes) : await hasDigest(bytes, chunk);
    if (bytes.length < length || !isIt) seen.isSame = false;
  }
  try {
    for (const batch of chunkBatches(index)) {
      for (const chunk of batch) {
        if (!seen.isSame || signal.aborted) return false;
        const mayBeData = await data.mayBeIn(chunk.offset, chunk.offset + chunk.lengthBytes);
        if (mayBeData) await flight.launch(chunk.lengthBytes, () => compare(chunk));
        else if (!zeros(chunk)) return false;
      }
    }
    await flight.land();
    return seen.isSame;
  } catch {
    return false;
  } finally {
    await flight.settle();
    await data.close();
  }
}
