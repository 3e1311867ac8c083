import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import * as fc from 'fast-check';
import { KgetError } from '../../src/base/error.ts';
import { chunkFileOf, digestOfChunkFile } from '../../src/content/chunk-name.ts';
import { digestBy } from '../../src/content/digest-algorithm.ts';
import { unpackChunk } from '../../src/content/unpack-chunk.ts';
import { hasZstd } from '../../src/content/zstd.ts';

const skip = hasZstd ? false : 'this Node.js has no zstd';
const PLAIN = Buffer.alloc(5000, 'some text');
const HEX = '0'.repeat(64);
const GZIP = zlib.gzipSync(PLAIN);

/** A zstd frame; one that asks for a window instead of telling its size, if that is given. */
function zstd(plain: Buffer, windowLog?: number): Buffer {
  if (windowLog === undefined) return zlib.zstdCompressSync(plain);
  const frame = zlib.zstdCompressSync(plain, {
    params: { [zlib.constants.ZSTD_c_checksumFlag]: 0 },
  });
  // Magic, a descriptor of a frame without its size, the window as RFC 8878, 3.1.1.1.2, has it.
  const headBytes = 4 + 1 + (plain.length < 256 ? 1 : 2);
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3]);
  return Buffer.concat([head, frame.subarray(headBytes)]);
}

function wantedOf(plain: Buffer, algorithm: 'sha256' | 'sha512-256' = 'sha256') {
  return { digest: digestBy(algorithm, plain), algorithm, lengthBytes: plain.length };
}

function failureOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

function assertRefused(
  packed: Buffer,
  wanted: Parameters<typeof unpackChunk>[1],
  error: { readonly code?: string; readonly message: RegExp },
): void {
  const found = failureOf(() => unpackChunk(packed, wanted, 'the chunk'));
  assert.ok(found instanceof KgetError);
  assert.equal(found.code, error.code ?? 'corrupt');
  assert.match(found.message, error.message);
  assert.match(found.message, /the chunk/);
}

for (const algorithm of ['sha256', 'sha512-256'] as const) {
  void test(`\`unpackChunk\` gives back what was packed, by ${algorithm}`, { skip }, async () => {
    const sizes = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 300_000 }));
    await fc.assert(
      fc.asyncProperty(sizes, fc.boolean(), fc.boolean(), async (size, isRandom, isGzip) => {
        const plain = isRandom ? randomBytes(size) : Buffer.alloc(size, 'x');
        const packed = isGzip ? zlib.gzipSync(plain) : zstd(plain);
        assert.ok(unpackChunk(packed, wantedOf(plain, algorithm)).equals(plain));
      }),
      { numRuns: 50 },
    );
  });
}

void test('`unpackChunk` takes several frames', { skip }, async () => {
  const packed = Buffer.concat([zstd(PLAIN.subarray(0, 99)), zstd(PLAIN.subarray(99))]);
  assert.ok(unpackChunk(packed, wantedOf(PLAIN)).equals(PLAIN));
});

void test('`unpackChunk` throws `corrupt` when the digest is of another chunk', async () => {
  const wanted = { ...wantedOf(PLAIN), digest: Buffer.alloc(32, 1) };
  const digest = digestBy('sha256', PLAIN).toString('hex');
  assertRefused(GZIP, wanted, { message: new RegExp(`${digest}, wanted (01){32}$`) });
});

void test('`unpackChunk` throws `corrupt` when a large chunk has one bit too many', async () => {
  const plain = Buffer.alloc(128 * 1024, 'a');
  const wanted = wantedOf(plain);
  plain[99_999] = 1;
  assertRefused(zlib.gzipSync(plain), wanted, { message: /found bytes with the digest/ });
});

void test('`unpackChunk` throws `corrupt` when the chunk is shorter or longer', async () => {
  const wanted = wantedOf(PLAIN);
  assertRefused(GZIP, { ...wanted, lengthBytes: 5001 }, { message: /5000 B, wanted 5001 B/ });
  assertRefused(GZIP, { ...wanted, lengthBytes: 4999 }, { message: /wanted 4999 B/ });
  assertRefused(GZIP, { ...wanted, lengthBytes: 1 }, { message: /wanted 1 B/ });
  assertRefused(GZIP, { ...wanted, lengthBytes: 0 }, { message: /found it wanted with 0 B/ });
});

void test('`unpackChunk` throws `corrupt` when a frame has much more than it should', async (t) => {
  if (!hasZstd) return t.skip('this Node.js has no zstd');
  const bomb = zstd(Buffer.alloc(64 * 1024 * 1024));
  const before = process.memoryUsage().arrayBuffers;
  assertRefused(bomb, wantedOf(PLAIN), { message: /wanted 5000 B/ });
  assert.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024);
});

void test('`unpackChunk` takes a window of 8 MiB and refuses a larger one', { skip }, async () => {
  const wanted = wantedOf(PLAIN);
  assert.ok(unpackChunk(zstd(PLAIN, 23), wanted).equals(PLAIN));
  assertRefused(zstd(PLAIN, 24), wanted, { message: /too much memory/ });
});

void test('`unpackChunk` throws `corrupt` when the file is cut short or empty', async () => {
  for (const packed of hasZstd ? [GZIP, zstd(PLAIN)] : [GZIP]) {
    for (let length = 0; length < packed.length; length += 1) {
      assertRefused(packed.subarray(0, length), wantedOf(PLAIN), { message: /wanted/ });
    }
  }
});

void test('`unpackChunk` throws `source-unreadable`, naming xz, when it is xz', async () => {
  const packed = Buffer.from('fd377a585a000004e6d6b446', 'hex');
  const message = /by xz, .*casync --compression=zstd/;
  assertRefused(packed, wantedOf(PLAIN), { code: 'source-unreadable', message });
});

void test('`unpackChunk` throws `corrupt` when it is something else', async () => {
  assertRefused(PLAIN, wantedOf(PLAIN), { message: /begin with 736f6d65, wanted zstd/ });
});

void test('`digestOfChunkFile` is the other way of `chunkFileOf`', () => {
  const digest = randomBytes(32);
  const hex = digest.toString('hex');
  const file = chunkFileOf('/store', digest);
  assert.equal(file, join('/store', hex.slice(0, 4), `${hex}.cacnk`));
  assert.deepEqual(digestOfChunkFile(`${hex}.cacnk`), digest);
});

for (const name of [
  '',
  'x.cacnk',
  HEX,
  `${HEX}.cacnk.tmp`,
  `0${HEX}.cacnk`,
  `G${HEX.slice(1)}.cacnk`,
]) {
  void test(`\`digestOfChunkFile\` has no digest when the name is "${name}"`, () => {
    assert.equal(digestOfChunkFile(name), undefined);
  });
}
