import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { measureContents } from '../../race/contents.ts';

const CHUNK = 128 * 1024;

void test('`measureContents` counts zeros not at all, and equal chunks of two images once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kgetplus-contents-'));
  const shared = randomBytes(CHUNK);
  const own = randomBytes(CHUNK);
  const zeros = Buffer.alloc(CHUNK);
  const paths = [join(directory, 'one'), join(directory, 'other')];
  await writeFile(paths[0] ?? '', Buffer.concat([shared, zeros, own, shared]));
  await writeFile(paths[1] ?? '', Buffer.concat([zeros, shared, zeros.subarray(0, 100)]));
  assert.deepEqual(await measureContents(paths), {
    logicalBytes: 6 * CHUNK + 100,
    dataBytes: 4 * CHUNK,
    uniqueCompressedBytes: 2 * CHUNK,
    largestBytes: 4 * CHUNK,
  });
  await rm(directory, { recursive: true });
});

void test('`measureContents` counts a chunk compressed when that makes it smaller', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kgetplus-contents-'));
  const path = join(directory, 'text');
  await writeFile(path, 'gather '.repeat(CHUNK / 7));
  const { uniqueCompressedBytes } = await measureContents([path]);
  assert.ok(uniqueCompressedBytes > 0);
  assert.ok(uniqueCompressedBytes < CHUNK / 100, `${uniqueCompressedBytes}`);
  await rm(directory, { recursive: true });
});
