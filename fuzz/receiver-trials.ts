import assert from 'node:assert/strict';
import { CHUNK_BYTES, digestOf, memoryLanding } from '../test/transfer/memory.ts';
import { feedReceiver } from './feed-receiver.ts';
import type { Trial } from './target.ts';

/** A receiver fed with any answers: an image that arrives is what its digests say, whole. */
export async function tryReceiver(input: Buffer, { dice }: Trial): Promise<void> {
  let bytes: Buffer = Buffer.alloc(0);
  const end = await feedReceiver(input, {
    dice,
    level: 0,
    isHeeding: false,
    land: (sizeBytes) => {
      const landing = memoryLanding({ sizeBytes });
      bytes = landing.bytes;
      return Promise.resolve(landing);
    },
  });
  if (end === undefined) return;
  if ('error' in end) throw end.error;
  assertWhole(bytes, end.digests);
}

function assertWhole(bytes: Buffer, digests: readonly Buffer[]): void {
  assert.equal(digests.length, Math.ceil(bytes.length / CHUNK_BYTES));
  for (const [position, digest] of digests.entries()) {
    const start = position * CHUNK_BYTES;
    const chunk = bytes.subarray(start, start + CHUNK_BYTES);
    assert.ok(digestOf(chunk).equals(digest), `chunk ${position} is another one`);
  }
}
