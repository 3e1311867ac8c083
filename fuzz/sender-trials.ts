import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { KgetError } from '../src/base/error.ts';
import { decompress } from '../src/content/zstd.ts';
import { decodeDigestRuns } from '../src/transfer/digest-runs.ts';
import { feed, frameReader } from '../src/transfer/frame-reader.ts';
import { Encoding, type FrameHeader, FrameType } from '../src/transfer/frame.ts';
import { REQUEST_BUFFER_BYTES } from '../src/transfer/limits.ts';
import { decodeRuns } from '../src/transfer/payload.ts';
import { answerLimits } from '../src/transfer/receiver.ts';
import { REQUEST_LIMITS, sender } from '../src/transfer/sender.ts';
import { CHUNK_BYTES, memoryImage } from '../test/transfer/memory.ts';
import { piecesOf } from './pieces.ts';
import type { Trial } from './target.ts';
import { ANSWER_BUFFER_BYTES, framesOf, IMAGE, IMAGE_ID, socketOf } from './transfer-recording.ts';

const SERVED = memoryImage(IMAGE);
const { chunkCount } = SERVED.index;
const DIGESTS = SERVED.index.read(0, chunkCount);

/** A receiver that asks for more leaves: it may have the image many times over, at its own cost. */
const MAX_CHUNKS = 200;

/** Turns that a sender may take to send what is left. */
const MAX_TURNS = 1_000_000;

/** A sender fed with any requests: what it sends is of its image, as wanted, in that order. */
export async function trySender(input: Buffer, { dice }: Trial): Promise<void> {
  const leaving = new AbortController();
  const wanted: number[] = [];
  const sent: number[] = [];
  let end: { readonly error?: unknown } | undefined;

  function finish(how: { readonly error?: unknown }): void {
    end ??= how;
    leaving.abort();
  }
  const answers = frameReader({
    limits: answerLimits(CHUNK_BYTES),
    bufferBytes: ANSWER_BUFFER_BYTES,
    onFrame: (header, payload) => checkAnswer(header, payload, sent),
  });
  const send = (bytes: Buffer): void => feed(answers, bytes);
  const far = sender({
    find: (image) => (image === IMAGE_ID ? SERVED : undefined),
    upload: { take: () => undefined },
    socket: socketOf(send),
    signal: leaving.signal,
    nowMs: () => 0,
    send,
    onOpened: () => undefined,
    onDone: () => finish({}),
    onError: (error) => finish({ error }),
  });
  const requests = frameReader({
    limits: REQUEST_LIMITS,
    bufferBytes: REQUEST_BUFFER_BYTES,
    onFrame: (header, payload) => {
      if (end !== undefined) return;
      far.take(header, payload);
      if (header.type === FrameType.want) wanted.push(...positionsOf(payload));
    },
  });
  for (const piece of dice.oneIn(8) ? piecesOf(input, dice) : framesOf(input)) {
    try {
      feed(requests, piece);
    } catch (error) {
      finish({ error });
    }
    if (wanted.length > MAX_CHUNKS) finish({});
    if (dice.oneIn(2)) await turn();
    if (end !== undefined) break;
  }
  const isOver = (): boolean => end !== undefined;
  for (let turns = 0; !isOver() && sent.length < wanted.length; turns += 1) {
    assert.ok(turns < MAX_TURNS, `sent ${sent.length} of ${wanted.length} chunks`);
    await turn();
  }
  leaving.abort();
  assert.deepEqual(sent, wanted.slice(0, sent.length));
  if (end?.error !== undefined) throw end.error;
}

function positionsOf(payload: Buffer): number[] {
  return decodeRuns(payload, chunkCount).flatMap(({ first, count }) =>
    Array.from({ length: count }, (_, place) => first + place),
  );
}

function checkAnswer(header: FrameHeader, payload: Buffer, sent: number[]): void {
  const { type, position } = header;
  if (type === FrameType.index) {
    const digests = decodeDigestRuns(payload, chunkCount);
    const start = position * 32;
    assert.ok(DIGESTS.subarray(start, start + digests.length).equals(digests));
  } else if (type === FrameType.chunk) {
    const start = position * CHUNK_BYTES;
    const chunk = IMAGE.subarray(start, start + CHUNK_BYTES);
    const isPacked = header.encoding === Encoding.zstd;
    const plain = isPacked ? decompress(payload, chunk.length) : payload;
    if (!plain.equals(chunk)) throw new KgetError('internal', `chunk ${position} is another one`);
    sent.push(position);
  }
}
