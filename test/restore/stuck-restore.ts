/**
 * Begins to restore an image in memory to a file, reads some chunks, says so and waits to be
 * killed: `node stuck-restore.ts INDEX PATH IMAGE CHUNKS`.
 */
import { readFileSync } from 'node:fs';
import { openBlobIndex } from '../../src/content/blob-index.ts';
import { restoreImage } from '../../src/restore/restore-image.ts';
import type { ChunkReader } from '../../src/store/chunk-reader.ts';
import { cutFixed, memoryChunks } from './fixtures.ts';

const [indexPath = '', path = '', imagePath = '', count = '0'] = process.argv.slice(2);
const index = await openBlobIndex(indexPath);
const memory = memoryChunks(cutFixed(readFileSync(imagePath), index.chunkBytes.max));
let left = Number(count);
const chunks: ChunkReader = {
  packedBytes: (digest) => memory.packedBytes(digest),
  read(chunk) {
    left -= 1;
    return left >= 0 ? memory.read(chunk) : new Promise(() => {});
  },
};
// Keeps the process alive.
setInterval(() => {}, 1000);
await restoreImage({
  index,
  path,
  chunks,
  title: 'snapshot',
  force: false,
  seeds: [],
  signal: new AbortController().signal,
  onProgress(doneBytes) {
    if (doneBytes === Number(count) * index.chunkBytes.max) process.stdout.write('stuck\n');
  },
});
