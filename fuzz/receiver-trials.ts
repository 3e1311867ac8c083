import assert from 'node:assert/strict';
import { KgetError } from '../src/base/error.ts';
import { DIGEST_BYTES, type Landing } from '../src/content/image.ts';
import { feed, frameReader } from '../src/transfer/frame-reader.ts';
import { answerLimits, receiver } from '../src/transfer/receiver.ts';
import { CHUNK_BYTES, digestOf, memoryLanding } from '../test/transfer/memory.ts';
import { piecesOf } from './pieces.ts';
import type { Trial } from './target.ts';
import { ANSWER_BUFFER_BYTES, framesOf, IMAGE_ID } from './transfer-recording.ts';

/** A receiver of a sender that may announce any size has no room for more. */
const ROOM_BYTES = 1024 * 1024;

/** Promises one behind the other, from a frame to what a receiver asks for because of it. */
const TICKS = 12;

/** Requests for an image that fits into the room. */
const MAX_REQUESTS = 2000;

/** A receiver fed with any answers: an image that arrives is what its digests say, whole. */
export async function tryReceiver(input: Buffer, { dice }: Trial): Promise<void> {
  const digests: Buffer[] = [];
  let bytes: Buffer = Buffer.alloc(0);
  let requests = 0;
  let end: { readonly error?: unknown } | undefined;

  const near = receiver({
    image: IMAGE_ID,
    chunkSizeBytes: CHUNK_BYTES,
    level: 0,
    land: async (sizeBytes) => {
      await Promise.resolve();
      if (sizeBytes > ROOM_BYTES) throw new KgetError('no-room', 'Cannot store the image');
      const landing = memoryLanding({ sizeBytes });
      bytes = landing.bytes;
      return noting(landing, digests);
    },
    counters: { wireBytes: 0, chunks: 0 },
    send: () => {
      requests += 1;
    },
    onAlive: () => undefined,
    onArrived: () => {
      end ??= {};
    },
    onFailed: (_, error) => {
      end ??= { error };
    },
  });
  const reader = frameReader({
    limits: answerLimits(CHUNK_BYTES),
    bufferBytes: ANSWER_BUFFER_BYTES,
    onFrame: (header, payload) => near.take(header, payload),
  });
  near.open();
  // A sender answers what it is asked: there is time between two of its frames, mostly.
  for (const piece of dice.oneIn(8) ? piecesOf(input, dice) : framesOf(input)) {
    try {
      feed(reader, piece);
    } catch (error) {
      end ??= { error };
    }
    await settled();
    if (end !== undefined) break;
  }
  near.end();
  assert.ok(requests <= MAX_REQUESTS, `${requests} requests`);
  if (end === undefined) return;
  if ('error' in end) throw end.error;
  assertWhole(bytes, digests);
}

/** Nothing in memory takes longer. */
async function settled(): Promise<void> {
  for (let tick = 0; tick < TICKS; tick += 1) await Promise.resolve();
}

function noting(landing: Landing, digests: Buffer[]): Landing {
  return {
    ...landing,
    settle: (first, packed) => {
      assert.equal(first, digests.length);
      for (let at = 0; at < packed.length; at += DIGEST_BYTES) {
        digests.push(Buffer.from(packed.subarray(at, at + DIGEST_BYTES)));
      }
      return landing.settle(first, packed);
    },
  };
}

function assertWhole(bytes: Buffer, digests: readonly Buffer[]): void {
  assert.equal(digests.length, Math.ceil(bytes.length / CHUNK_BYTES));
  for (const [position, digest] of digests.entries()) {
    const start = position * CHUNK_BYTES;
    const chunk = bytes.subarray(start, start + CHUNK_BYTES);
    assert.ok(digestOf(chunk).equals(digest), `chunk ${position} is another one`);
  }
}
