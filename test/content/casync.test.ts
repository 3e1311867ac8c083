import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { digestOf } from '../../src/content/digest.ts';
import { temporaryDirectory, writeIndex } from './fixtures.ts';

const CASYNC = 'casync';
const CHUNK = 128 * 1024;

const missing =
  spawnSync(CASYNC, ['--version']).error === undefined
    ? typeof zlib.zstdCompressSync === 'function'
      ? false
      : 'this Node.js has no zstd'
    : 'casync is not installed';

/** Zeros, data, a chunk that appears twice, half-empty chunks and a short last one. */
function makeImage(): Buffer {
  const image = Buffer.alloc(20 * CHUNK + 777);
  image.fill('first', 3 * CHUNK, 5 * CHUNK);
  image.fill('second', 9 * CHUNK + 1000, 10 * CHUNK + 2000);
  image.fill('end', 20 * CHUNK);
  return image;
}

for (const [what, image] of [
  ['with holes, data and a short last chunk', makeImage()],
  ['of exactly one chunk', Buffer.alloc(CHUNK, 'x')],
] as const) {
  void test(`casync restores an image ${what} from our index`, { skip: missing }, (t) => {
    const directory = temporaryDirectory(t);
    return restore(directory, image);
  });
}

async function restore(directory: string, image: Buffer): Promise<void> {
  const store = join(directory, 'store.castr');
  for (let from = 0; from < image.length; from += CHUNK) {
    const chunk = image.subarray(from, from + CHUNK);
    const name = digestOf(chunk).toString('hex');
    mkdirSync(join(store, name.slice(0, 4)), { recursive: true });
    writeFileSync(join(store, name.slice(0, 4), `${name}.cacnk`), zlib.zstdCompressSync(chunk));
  }
  const index = join(directory, 'x.caibx');
  await writeIndex(index, image, CHUNK);
  const out = join(directory, 'out');
  const args = [`--store=${store}`, 'extract', index, out];
  const { status, stderr } = spawnSync(CASYNC, args, { encoding: 'utf8', timeout: 30_000 });
  assert.equal(status, 0, stderr);
  assert.ok(readFileSync(out).equals(image));
}
