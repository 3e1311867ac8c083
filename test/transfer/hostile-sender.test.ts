import { describe, test } from 'node:test';
import { encodeDigestRuns } from '../../src/transfer/digest-runs.ts';
import { encodeFrame, FrameType } from '../../src/transfer/frame.ts';
import { encodeFailure, encodeMeta } from '../../src/transfer/payload.ts';
import { exchange, expectFailure, newAuthority } from './exchange.ts';
import { CHUNK_BYTES, digestOf, memoryImage, noise } from './memory.ts';
import { scripted } from './scripted.ts';

const authority = await newAuthority();
const image = memoryImage(noise(CHUNK_BYTES));

void describe('`pull` refuses a sender that', () => {
  const meta = encodeFrame(
    FrameType.meta,
    encodeMeta({ sizeBytes: 4 * CHUNK_BYTES, chunkSizeBytes: CHUNK_BYTES }),
  );
  const digest = digestOf(Buffer.alloc(CHUNK_BYTES));
  const index = (first: number, count: number): Buffer => {
    const digests = Buffer.concat(Array.from({ length: count }, () => digest));
    return encodeFrame(FrameType.index, encodeDigestRuns(digests), first);
  };
  const hugeMeta = encodeMeta({ sizeBytes: 2 ** 52, chunkSizeBytes: CHUNK_BYTES });
  const oversized = Buffer.from(encodeFrame(FrameType.chunk));
  oversized.writeUInt32LE(CHUNK_BYTES + 1, 0);
  const packed = Buffer.from(chunk(0, 20));
  packed[5] = 1;

  const scripts: Record<string, readonly Buffer[]> = {
    'sends garbage': [noise(1000)],
    'sends the frames of a receiver': [encodeFrame(FrameType.want)],
    'names the image twice': [meta, meta],
    'names an image too large for chunks of this size': [encodeFrame(FrameType.meta, hugeMeta)],
    'sends data before the size': [index(0, 1)],
    'sends digests beyond the end': [meta, index(0, 5)],
    'sends digests out of order': [meta, index(1, 1)],
    'sends a chunk before its digest': [meta, chunk(0, CHUNK_BYTES)],
    'sends a chunk twice': [meta, index(0, 4), chunk(0, CHUNK_BYTES), chunk(0, CHUNK_BYTES)],
    'sends a chunk too short': [meta, index(0, 4), chunk(0, CHUNK_BYTES - 1)],
    'announces a frame too large': [meta, index(0, 4), oversized],
    'ends too early': [meta, encodeFrame(FrameType.done)],
  };
  for (const [name, frames] of Object.entries(scripts)) {
    void test(name, async () => {
      await using run = await exchange(authority, image);
      await using sender = await scripted(authority, frames);
      await expectFailure(run.pull({ from: sender.from }), 'source', 'protocol');
    });
  }

  void test('sends a chunk that does not decompress', async () => {
    await using run = await exchange(authority, image);
    await using sender = await scripted(authority, [meta, index(0, 4), packed]);
    await expectFailure(run.pull({ from: sender.from }), 'source', 'corrupt');
  });

  void test('fails for a reason that is none', async () => {
    await using run = await exchange(authority, image);
    await using sender = await scripted(authority, [
      encodeFrame(FrameType.fail, Buffer.from('{"code":"?"}')),
    ]);
    await expectFailure(run.pull({ from: sender.from }), 'source', 'protocol');
  });

  void test('fails, with a reason as long as a frame may be', async () => {
    const failure = encodeFailure({ code: 'no-room', message: '\u0001é'.repeat(5000) });
    await using run = await exchange(authority, image);
    await using sender = await scripted(authority, [encodeFrame(FrameType.fail, failure)]);
    await expectFailure(run.pull({ from: sender.from }), 'source', 'no-room');
  });
});

function chunk(position: number, length: number): Buffer {
  return encodeFrame(FrameType.chunk, Buffer.alloc(length), position);
}
