import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';

import { ramImage } from '../../src/samples/ram-image.ts';

const MIB = 1024 * 1024;
const PAGE_BYTES = 4096;
const CHUNK_BYTES = 128 * 1024;
const SIZE = { sizeBytes: 16 * MIB + 123, ownBytes: 2 * MIB };
const PAGES = Math.ceil(SIZE.sizeBytes / PAGE_BYTES);
const ZEROS = Buffer.alloc(PAGE_BYTES);

const folder = mkdtempSync(join(tmpdir(), 'kgetplus-ram-image-'));
after(() => {
  rmSync(folder, { recursive: true });
});

void suite('`ramImage`', () => {
  let one: Buffer;
  let other: Buffer;
  before(async () => {
    one = await made('one', { ...SIZE, seed: 'a' });
    other = await made('other', { ...SIZE, seed: 'b' });
  });

  void test('gives equal bytes, as many as wanted, when size and seed are equal', async () => {
    assert.equal(one.length, SIZE.sizeBytes);
    assert.ok(one.equals(await made('again', { ...SIZE, seed: 'a' })));
  });

  void test('has just its own pages where others have the base', async () => {
    const base = await made('base', { ...SIZE, ownBytes: 0, seed: 'a' });
    assert.ok(base.equals(await made('base-b', { ...SIZE, ownBytes: 0, seed: 'b' })));
    const own = pagesOf(one).map((page, index) => !page.equals(pageAt(base, index)));
    assert.equal(own.filter(Boolean).length * PAGE_BYTES, SIZE.ownBytes);
    const runs = own.filter((isOwn, index) => isOwn && own[index - 1] !== true).length;
    assert.ok(runs >= 6 && runs <= 8, `${runs} runs of at most 64 pages`);
    // Each of the two images hides an eighth of the base.
    const shared = pagesOf(one).filter((page, index) => page.equals(pageAt(other, index))).length;
    assert.ok(shared / PAGES >= 0.75 && shared / PAGES < 0.875, `${shared} equal pages`);
  });

  void test('shares its base with smaller images', async () => {
    const small = await made('small', { sizeBytes: 2 * MIB, ownBytes: 0, seed: 'a' });
    const large = await made('large', { sizeBytes: 4 * MIB, ownBytes: 0, seed: 'b' });
    assert.ok(small.equals(large.subarray(0, small.length)));
  });

  void test('has zero pages, a third of all, and pages that recur', () => {
    const zero = pagesOf(one).filter((page) => isZero(page)).length / PAGES;
    assert.ok(zero > 0.25 && zero < 0.42, `${zero} zero`);
    const data = pagesOf(one).filter((page) => !isZero(page));
    const different = new Set(data.map((page) => page.toString('latin1'))).size;
    assert.ok(different < 0.97 * data.length, `${different} different of ${data.length}`);
  });

  void test('is as compressible as memory without its zero pages', () => {
    const data = Buffer.concat(pagesOf(one).filter((page) => !isZero(page)));
    const gzipRatio = data.length / gzipSync(data).length;
    assert.ok(gzipRatio > 2 && gzipRatio < 4, `gzip: ${gzipRatio}`);
    let compressed = 0;
    for (let at = 0; at < data.length; at += CHUNK_BYTES) {
      compressed += zstdCompressSync(data.subarray(at, at + CHUNK_BYTES)).length;
    }
    const ratio = data.length / compressed;
    assert.ok(ratio > 2.2 && ratio < 2.6, `zstd: ${ratio}, the docstring says 2.4`);
  });

  void test('says what fits when there are too many own bytes', async () => {
    const tooMany = made('none', { sizeBytes: 4 * MIB, ownBytes: 3 * MIB, seed: 'a' });
    await assert.rejects(tooMany, /3145728 own bytes do not fit, wanted 2097152 at most/);
  });
});

async function made(name: string, options: Parameters<typeof ramImage>[1]): Promise<Buffer> {
  const path = join(folder, name);
  await ramImage(path, options);
  return readFileSync(path);
}

function pagesOf(image: Buffer): readonly Buffer[] {
  return Array.from({ length: Math.ceil(image.length / PAGE_BYTES) }, (_, index) =>
    pageAt(image, index),
  );
}

function pageAt(image: Buffer, index: number): Buffer {
  return image.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
}

function isZero(page: Buffer): boolean {
  return page.equals(ZEROS.subarray(0, page.length));
}
