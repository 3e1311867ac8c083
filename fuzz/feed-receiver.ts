import assert from 'node:assert/strict';
import { KgetError } from '../src/base/error.ts';
import { DIGEST_BYTES, type Landing } from '../src/content/image.ts';
import { feed, frameReader } from '../src/transfer/frame-reader.ts';
import { FrameType, HEADER_BYTES } from '../src/transfer/frame.ts';
import { decodeRuns } from '../src/transfer/payload.ts';
import { answerLimits, receiver } from '../src/transfer/receiver.ts';
import { CHUNK_BYTES } from '../test/transfer/memory.ts';
import type { Dice } from './dice.ts';
import { piecesOf } from './pieces.ts';
import { ANSWER_BUFFER_BYTES, framesOf, IMAGE_ID } from './transfer-recording.ts';

/** A receiver of a sender that may announce any size has no room for more. */
const ROOM_BYTES = 1024 * 1024;

/** Promises one behind the other, from a frame to what a receiver asks for because of it. */
const TICKS = 12;

/** Requests for an image that fits into the room. */
const MAX_REQUESTS = 2000;

export interface Feeding {
  readonly dice: Dice;
  /** Zstd's, or 0. */
  readonly level: number;
  readonly land: (sizeBytes: number) => Promise<Landing>;
  /** Leaves chunks out that are not asked for: the store has them, and they were recorded without. */
  readonly isHeeding: boolean;
}

/** How a receiver has ended: undefined while more is to come. */
export type ReceiverEnd =
  | { readonly digests: readonly Buffer[] }
  | { readonly error: unknown }
  | undefined;

/** Feeds a receiver with any answers; with the digests that it settled, if the image arrives. */
export async function feedReceiver(input: Buffer, options: Feeding): Promise<ReceiverEnd> {
  const { dice, level, isHeeding } = options;
  const digests: Buffer[] = [];
  /** Calls of the landing that are under way. */
  const busy = new Set<Promise<unknown>>();
  /** Positions of chunks that are awaited. */
  const wanted: number[] = [];
  let requests = 0;
  let end: ReceiverEnd;

  function watched<T>(call: Promise<T>): Promise<T> {
    busy.add(call);
    void Promise.allSettled([call]).then(() => busy.delete(call));
    return call;
  }
  /** Nothing of a receiver takes longer, once its landing is done. */
  async function settled(): Promise<void> {
    do {
      while (busy.size > 0) await Promise.allSettled(busy);
      for (let tick = 0; tick < TICKS; tick += 1) await Promise.resolve();
    } while (busy.size > 0);
  }
  function noting(landing: Landing): Landing {
    return {
      ...landing,
      settle: (first, packed) => {
        assert.equal(first, digests.length);
        for (let at = 0; at < packed.length; at += DIGEST_BYTES) {
          digests.push(Buffer.from(packed.subarray(at, at + DIGEST_BYTES)));
        }
        return watched(landing.settle(first, packed));
      },
    };
  }

  const near = receiver({
    image: IMAGE_ID,
    chunkSizeBytes: CHUNK_BYTES,
    level,
    land: async (sizeBytes) => {
      await Promise.resolve();
      if (sizeBytes > ROOM_BYTES) throw new KgetError('no-room', 'Cannot store the image');
      return noting(await watched(options.land(sizeBytes)));
    },
    counters: { wireBytes: 0, chunks: 0 },
    send: (frame) => {
      requests += 1;
      if (frame[4] === FrameType.want) wanted.push(...positionsOf(frame));
    },
    onAlive: () => undefined,
    onArrived: () => {
      end ??= { digests };
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
    if (isHeeding && isUnwanted(piece, wanted[0])) continue;
    if (piece[4] === FrameType.chunk) wanted.shift();
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
  return end;
}

function positionsOf(want: Buffer): number[] {
  return decodeRuns(want.subarray(HEADER_BYTES), Number.MAX_SAFE_INTEGER).flatMap(
    ({ first, count }) => Array.from({ length: count }, (_, place) => first + place),
  );
}

function isUnwanted(frame: Buffer, due: number | undefined): boolean {
  if (frame.length < HEADER_BYTES || frame[4] !== FrameType.chunk) return false;
  return frame.readUInt32LE(8) !== due;
}
