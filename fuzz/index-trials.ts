import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type BlobIndex, openBlobIndex } from '../src/content/blob-index.ts';
import {
  encodeHead,
  encodeTail,
  ENTRY_BYTES,
  HEADER_BYTES,
  TABLE_HEADER_BYTES,
} from '../src/content/index-format.ts';
import { openIndex } from '../src/content/index-reader.ts';
import { chunkLengthAt } from '../src/content/shape.ts';
import { diceOf, type Dice } from './dice.ts';
import { mutateBytes } from './mutate-bytes.ts';
import type { Trial } from './target.ts';

const HEAD_BYTES = HEADER_BYTES + TABLE_HEADER_BYTES;
const TAIL_BYTES = encodeTail(0).length;
const SHA512_256 = 0x2000000000000000n;
const CASYNC_FLAGS = 0xb000000000000000n;

interface IndexSample {
  readonly flags: bigint;
  readonly bounds: readonly [min: number, avg: number, max: number];
  readonly lengths: readonly number[];
}

/** Indexes of fixed chunks and of chunks cut by content, of none to some hundred chunks. */
export function indexSamples(): Buffer[] {
  const dice = diceOf('indexes');
  const lengths = (count: number) => Array.from({ length: count }, () => 16 + dice.below(241));
  const fixed = { flags: 0n, bounds: [4096, 4096, 4096] } as const;
  const cut = { flags: CASYNC_FLAGS, bounds: [16, 64, 256] } as const;
  return [
    encodeIndex({ ...fixed, lengths: [] }),
    encodeIndex({ ...fixed, lengths: [4096] }),
    encodeIndex({ ...fixed, lengths: [4096, 4096, 4096, 4096, 1] }),
    encodeIndex({ ...fixed, bounds: [48, 48, 48], lengths: [48, 48, 47] }),
    encodeIndex({ ...cut, lengths: lengths(3) }),
    encodeIndex({ ...cut, flags: SHA512_256, lengths: [...lengths(40), 3] }),
    encodeIndex({ ...cut, lengths: lengths(600) }),
  ];
}

function encodeIndex({ flags, bounds, lengths }: IndexSample): Buffer {
  const head = encodeHead(4096);
  head.writeBigUInt64LE(flags, 16);
  for (const [place, bound] of bounds.entries()) {
    head.writeBigUInt64LE(BigInt(bound), 24 + place * 8);
  }
  let end = 0;
  const entries = lengths.map((length, position) => {
    end += length;
    const entry = Buffer.alloc(ENTRY_BYTES, position % 251);
    entry.writeBigUInt64LE(BigInt(end));
    return entry;
  });
  return Buffer.concat([head, ...entries, encodeTail(lengths.length)]);
}

/** A changed index; mostly with a tail that fits what is before it, or nothing else is looked at. */
export function mutateIndex(samples: readonly Buffer[], dice: Dice): Buffer {
  const input = mutateBytes(samples, dice);
  const entryBytes = input.length - HEAD_BYTES - TAIL_BYTES;
  if (entryBytes < 0 || dice.oneIn(4)) return input;
  const count = Math.round(entryBytes / ENTRY_BYTES);
  const rest = Buffer.alloc(HEAD_BYTES + count * ENTRY_BYTES);
  input.copy(rest);
  return Buffer.concat([rest, encodeTail(count)]);
}

/** What `openIndex` takes must be read whole, and be the same to `openBlobIndex`. */
export async function tryFixedIndex(input: Buffer, { file }: Trial): Promise<void> {
  writeFileSync(file, input);
  const fixed = await openIndex(file);
  const blob = await openBlobIndex(file);
  try {
    assert.equal(blob.isFixed, true);
    assert.equal(blob.sizeBytes, fixed.shape.sizeBytes);
    const digests = fixed.read(0, fixed.chunkCount);
    for (const [position, chunk] of blob.read(0, blob.chunkCount).entries()) {
      assert.ok(chunk.digest.equals(digests.subarray(position * 32, position * 32 + 32)));
      assert.equal(chunk.lengthBytes, chunkLengthAt(fixed.shape, position));
    }
  } finally {
    fixed.close();
    blob.close();
  }
}

/** What `openBlobIndex` takes must be read whole, without gaps, and found again. */
export async function tryBlobIndex(input: Buffer, { file, dice }: Trial): Promise<void> {
  writeFileSync(file, input);
  const index = await openBlobIndex(file);
  try {
    assertWhole(index, 1 + dice.below(index.chunkCount + 1));
    for (let finds = 0; finds < 4 && index.sizeBytes > 0; finds += 1) {
      const offset = dice.below(index.sizeBytes);
      const position = index.find(offset);
      const [chunk] = index.read(position, 1);
      assert.ok(chunk !== undefined && chunk.offset <= offset);
      const last = chunk.offset + chunk.lengthBytes - 1;
      assert.ok(offset <= last);
      assert.equal(index.find(chunk.offset), position);
      if (last + 1 < index.sizeBytes) assert.equal(index.find(last + 1), position + 1);
    }
  } finally {
    index.close();
  }
}

function assertWhole(index: BlobIndex, batch: number): void {
  const { min, max } = index.chunkBytes;
  assert.ok(max <= 16 * 1024 * 1024);
  let end = 0;
  for (let first = 0; first < index.chunkCount; first += batch) {
    for (const chunk of index.read(first, Math.min(batch, index.chunkCount - first))) {
      assert.equal(chunk.offset, end);
      assert.equal(chunk.digest.length, 32);
      end += chunk.lengthBytes;
      const least = end === index.sizeBytes ? 1 : min;
      assert.ok(chunk.lengthBytes >= least && chunk.lengthBytes <= max);
    }
  }
  assert.equal(end, index.sizeBytes);
}
