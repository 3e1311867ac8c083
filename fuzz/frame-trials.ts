import assert from 'node:assert/strict';
import { decompress } from '../src/content/zstd.ts';
import { decodeDigestRuns, encodeDigestRuns } from '../src/transfer/digest-runs.ts';
import { feed, frameReader } from '../src/transfer/frame-reader.ts';
import {
  Encoding,
  type FrameHeader,
  FrameType,
  HEADER_BYTES,
  type PayloadLimits,
  readHeader,
} from '../src/transfer/frame.ts';
import { MAX_ASKED_DIGESTS, REQUEST_BUFFER_BYTES } from '../src/transfer/limits.ts';
import {
  decodeCount,
  decodeFailure,
  decodeMeta,
  decodeOpen,
  decodeRuns,
  encodeMeta,
  encodeOpen,
} from '../src/transfer/payload.ts';
import { answerLimits } from '../src/transfer/receiver.ts';
import { REQUEST_LIMITS } from '../src/transfer/sender.ts';
import { checkShape } from '../src/transfer/shape.ts';
import { CHUNK_BYTES } from '../test/transfer/memory.ts';
import { piecesOf } from './pieces.ts';
import type { Trial } from './target.ts';
import { ANSWER_BUFFER_BYTES, IMAGE, recordPull } from './transfer-recording.ts';

const CHUNKS = Math.ceil(IMAGE.length / CHUNK_BYTES);
const RECORDED = [
  await recordPull(IMAGE, 0),
  await recordPull(IMAGE, 3),
  await recordPull(IMAGE.subarray(0, 100), 0),
  await recordPull(Buffer.alloc(0), 0),
];

export function requestStreams(): Buffer[] {
  return RECORDED.map(({ requests }) => requests);
}

export function answerStreams(): Buffer[] {
  return RECORDED.map(({ answers }) => answers);
}

interface Frame {
  readonly header: FrameHeader;
  readonly payload: Buffer;
}

export function tryRequestFrames(input: Buffer, trial: Trial): void {
  tryFrames(input, trial, { limits: REQUEST_LIMITS, bufferBytes: REQUEST_BUFFER_BYTES });
}

export function tryAnswerFrames(input: Buffer, trial: Trial): void {
  const limits = answerLimits(CHUNK_BYTES);
  tryFrames(input, trial, { limits, bufferBytes: ANSWER_BUFFER_BYTES });
}

/** However a stream is cut, its frames are the same up to the first bad one; and can be decoded. */
function tryFrames(
  input: Buffer,
  { dice }: Trial,
  side: { readonly limits: PayloadLimits; readonly bufferBytes: number },
): void {
  const frames: Frame[] = [];
  const reader = frameReader({
    ...side,
    onFrame: (header, payload) => {
      frames.push({ header, payload: Buffer.from(payload) });
    },
  });
  let refused: unknown;
  try {
    for (const piece of piecesOf(input, dice)) feed(reader, piece);
  } catch (error) {
    refused = error;
  }
  const wanted = framesIn(input, side.limits);
  assert.deepEqual(frames, wanted.frames);
  assert.equal(refused === undefined, wanted.isWhole);
  for (const frame of frames) decode(frame);
  if (refused !== undefined) throw refused;
}

/** The frames of a stream that is there at once. */
function framesIn(
  input: Buffer,
  limits: PayloadLimits,
): { readonly frames: Frame[]; readonly isWhole: boolean } {
  const frames: Frame[] = [];
  for (let at = 0; at + HEADER_BYTES <= input.length;) {
    let header: FrameHeader;
    try {
      header = readHeader(input, at, limits);
    } catch {
      return { frames, isWhole: false };
    }
    const end = at + HEADER_BYTES + header.payloadBytes;
    if (end > input.length) break;
    frames.push({ header, payload: input.subarray(at + HEADER_BYTES, end) });
    at = end;
  }
  return { frames, isWhole: true };
}

function decode({ header, payload }: Frame): void {
  switch (header.type) {
    case FrameType.open: {
      const open = decodeOpen(payload);
      // What is no UTF-8 becomes longer.
      if (!open.image.includes('\ufffd')) assert.deepEqual(decodeOpen(encodeOpen(open)), open);
      return;
    }
    case FrameType.meta: {
      const shape = decodeMeta(payload);
      assert.deepEqual(decodeMeta(encodeMeta(shape)), shape);
      return checkShape(shape);
    }
    case FrameType.ask:
      return void decodeCount(payload);
    case FrameType.index: {
      const digests = decodeDigestRuns(payload, MAX_ASKED_DIGESTS);
      const runs = encodeDigestRuns(digests);
      assert.ok(decodeDigestRuns(runs, MAX_ASKED_DIGESTS).equals(digests));
      return;
    }
    case FrameType.want:
      for (const { first, count } of decodeRuns(payload, CHUNKS)) {
        assert.ok(count > 0 && first + count <= CHUNKS);
      }
      return;
    case FrameType.chunk:
      if (header.encoding === Encoding.zstd) decompress(payload, CHUNK_BYTES);
      return;
    case FrameType.fail:
      return void decodeFailure(payload);
    case FrameType.done:
    case FrameType.alive:
      assert.equal(payload.length, 0);
      return;
    default:
      header.type satisfies never;
  }
}
