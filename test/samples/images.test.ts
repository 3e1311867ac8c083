import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { gzipSync } from 'node:zlib';

import {
  diskLikeImage,
  ext4Image,
  findMke2fs,
  incompressibleImage,
} from '../../src/samples/images.ts';

const MIB = 1024 * 1024;
const CHUNK_BYTES = 128 * 1024;
const ZEROS = digestOf(Buffer.alloc(CHUNK_BYTES));

const folder = mkdtempSync(join(tmpdir(), 'kgetplus-images-'));
const at = (name: string): string => join(folder, name);
after(() => {
  rmSync(folder, { recursive: true });
});

void it('`incompressibleImage` gives equal bytes when size and seed are equal', async () => {
  const bytes = MIB + 123;
  await incompressibleImage(at('one'), bytes, 'a');
  await incompressibleImage(at('same'), bytes, 'a');
  await incompressibleImage(at('other'), bytes, 'b');
  const one = readFileSync(at('one'));
  assert.equal(one.length, bytes);
  assert.ok(one.equals(readFileSync(at('same'))));
  assert.ok(!one.equals(readFileSync(at('other'))));
  assert.ok(gzipSync(one).length > bytes);
});

void it('`diskLikeImage` shares a base, has own bytes and is sparse', async () => {
  const options = { sizeBytes: 16 * MIB, ownBytes: 2 * MIB };
  await diskLikeImage(at('disk-a'), { ...options, seed: 'a' });
  await diskLikeImage(at('disk-b'), { ...options, seed: 'b' });
  assert.deepEqual(compare(at('disk-a'), at('disk-b')), { zero: 64, shared: 48, own: 16 });
  assert.ok(statSync(at('disk-a')).blocks * 512 < 9 * MIB);
});

void it('`diskLikeImage` says what fits when there are too many own bytes', async () => {
  const options = { sizeBytes: 4 * MIB, ownBytes: 3 * MIB, seed: 'a' };
  await assert.rejects(diskLikeImage(at('none'), options), /wanted 2097152 at most/);
});

const skip = findMke2fs() === undefined && 'mke2fs not found: apt-get install e2fsprogs';

void it('`ext4Image` shares a base and has own bytes', { skip }, async () => {
  const baseDirectories = ['/usr/share', '/usr/lib'];
  const options = { sizeBytes: 48 * MIB, ownBytes: 4 * MIB, baseDirectories };
  await ext4Image(at('ext4-a'), { ...options, seed: 'a' });
  await ext4Image(at('ext4-b'), { ...options, seed: 'b' });
  const { zero, shared, own } = compare(at('ext4-a'), at('ext4-b'));
  assert.equal(zero + shared + own, 384);
  // 4 MiB are 32 chunks; inode tables with times and the ends of files make some more.
  assert.ok(own >= 32 && own < 96, `${own} own chunks`);
  assert.ok(shared > own, `${shared} shared chunks`);
  assert.ok(zero > 32, `${zero} zero chunks`);
});

/** How many chunks of an image are zero, the same in the other at that place, or its own. */
function compare(path: string, otherPath: string): Record<'zero' | 'shared' | 'own', number> {
  const others = chunkDigests(otherPath);
  const counts = { zero: 0, shared: 0, own: 0 };
  for (const [position, digest] of chunkDigests(path).entries()) {
    if (digest === ZEROS) counts.zero += 1;
    else counts[digest === others[position] ? 'shared' : 'own'] += 1;
  }
  return counts;
}

function chunkDigests(path: string): readonly string[] {
  const image = readFileSync(path);
  return Array.from({ length: Math.ceil(image.length / CHUNK_BYTES) }, (_, position) =>
    digestOf(image.subarray(position * CHUNK_BYTES, (position + 1) * CHUNK_BYTES)),
  );
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
