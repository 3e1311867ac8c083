import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { compress, decompress, hasZstd } from '../../src/content/zstd.ts';
import { FRAME_HEAD_BYTES, isPlainlyPacked, plainBytesOf } from '../../src/content/zstd-frame.ts';

const skip = hasZstd ? false : 'this Node.js has no zstd';
const plain = Buffer.alloc(4096, 'a chunk of text ');
/** A frame that decompressors pass over. Source: RFC 8878, 3.1.2 */
const SKIPPED = Buffer.from('502a4d1804000000abababab', 'hex');

void suite('plainBytesOf', { skip }, () => {
  void test('`plainBytesOf` tells the length of what was compressed from the first bytes', () => {
    const edges = fc.constantFrom(0, 1, 255, 256, 257, 65_535, 65_791, 65_792, 1_000_000);
    fc.assert(
      fc.property(fc.oneof(edges, fc.nat(100_000)), fc.integer({ min: 1, max: 19 }), (n, level) => {
        const frame = compress(Buffer.alloc(n, 'ab'), level);
        assert.equal(plainBytesOf(frame.subarray(0, FRAME_HEAD_BYTES)), n);
      }),
      { numRuns: 40 },
    );
  });

  void test('`plainBytesOf` reads a header however it is laid out', () => {
    // With a window and a dictionary of four bytes; sizes of 8, 4, 2 bytes and 1 byte.
    assert.equal(plainBytesOf(frameOf(0xc3, '58 01020304 0000010000000000')), 65_536);
    assert.equal(plainBytesOf(frameOf(0xa0, '00000100 ff')), 65_536);
    assert.equal(plainBytesOf(frameOf(0x60, '000f ff')), 4096);
    assert.equal(plainBytesOf(frameOf(0x20, '07 ff')), 7);
    assert.equal(plainBytesOf(frameOf(0x60, '00')), undefined);
  });

  void test('`plainBytesOf` knows nothing of what does not say it', () => {
    const unsized = { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } };
    for (const packed of [zstdCompressSync(plain, unsized), gzipSync(plain), SKIPPED, hex('')]) {
      assert.equal(plainBytesOf(packed), undefined);
    }
  });
});

void suite('isPlainlyPacked', { skip }, () => {
  void test('`isPlainlyPacked` is true of our frames only', () => {
    const frame = compress(plain);
    assert.equal(isPlainlyPacked(frame, plain), true);
    const halves = [plain.subarray(0, 2048), plain.subarray(2048)].map((half) => compress(half));
    const odd = {
      'begins with what is skipped': [SKIPPED, frame],
      'is two frames': halves,
      'begins with an empty frame': [compress(Buffer.alloc(0)), frame],
      'is longer than its chunk': [frame, compress(Buffer.alloc(0)), ...manyOf(SKIPPED, 400)],
    };
    for (const [name, pieces] of Object.entries(odd)) {
      const packed = Buffer.concat(pieces);
      assert.ok(decompress(packed, plain.length).equals(plain), `one that ${name} is unpacked`);
      assert.equal(isPlainlyPacked(packed, plain), false, name);
    }
  });
});

function frameOf(descriptor: number, rest: string): Buffer {
  return Buffer.concat([hex('28b52ffd'), Buffer.of(descriptor), hex(rest)]);
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

function manyOf(piece: Buffer, count: number): Buffer[] {
  return Array.from({ length: count }, () => piece);
}
