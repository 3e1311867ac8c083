import assert from 'node:assert/strict';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { digestBy } from '../src/content/digest-algorithm.ts';
import { unpackChunk } from '../src/content/unpack-chunk.ts';
import { diceOf } from './dice.ts';
import type { Trial } from './target.ts';

/** A chunk of text, then of noise. */
const PLAIN = Buffer.concat([
  Buffer.alloc(20_000, 'a chunk of text and noise '),
  diceOf('chunk').bytes(12_768),
]);

/** Files of the same chunk: zstd of several kinds, gzip; and of other chunks, far too large. */
export function chunkSamples(): Buffer[] {
  const checksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
  const unsized = { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } };
  const halves = [PLAIN.subarray(0, 9999), PLAIN.subarray(9999)];
  return [
    zstdCompressSync(PLAIN),
    zstdCompressSync(PLAIN, checksum),
    zstdCompressSync(PLAIN, unsized),
    Buffer.concat(halves.map((half) => zstdCompressSync(half))),
    gzipSync(PLAIN),
    zstdCompressSync(Buffer.alloc(32 * 1024 * 1024)),
    zstdCompressSync(Buffer.alloc(32 * 1024 * 1024), unsized),
    gzipSync(Buffer.alloc(8 * 1024 * 1024)),
    Buffer.from('fd377a585a000004e6d6b446', 'hex'),
  ];
}

/** What `unpackChunk` returns must be the chunk that was asked for, of its length or near it. */
export async function tryChunk(input: Buffer, { dice }: Trial): Promise<void> {
  const algorithm = dice.pick(['sha256', 'sha512-256'] as const);
  const odd = [0, 1, 63, 64, 65, PLAIN.length - 1, PLAIN.length + 1, 128 * 1024, 16 * 1024 * 1024];
  const lengthBytes = dice.oneIn(4) ? dice.pick(odd) : PLAIN.length;
  const digest = digestBy(algorithm, PLAIN);
  const plain = unpackChunk(input, { digest, algorithm, lengthBytes });
  assert.ok(plain.equals(PLAIN));
}
