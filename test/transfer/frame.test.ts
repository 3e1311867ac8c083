import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KgetError } from '../../src/base/error.ts';
import { feed, frameReader } from '../../src/transfer/frame-reader.ts';
import { encodeFrame, FrameType, HEADER_BYTES } from '../../src/transfer/frame.ts';

const LIMITS = { [FrameType.index]: 100, [FrameType.chunk]: 300, [FrameType.alive]: 0 };

interface Received {
  readonly type: FrameType;
  readonly position: number;
  readonly payload: string;
}

/** Reads a stream that arrives in pieces of the given lengths, and then all the rest. */
function readAll(stream: Buffer, cuts: readonly number[]): Received[] {
  const received: Received[] = [];
  const reader = frameReader({
    limits: LIMITS,
    bufferBytes: 2 * (HEADER_BYTES + 300),
    onFrame: ({ type, position }, payload) =>
      received.push({ type, position, payload: payload.toString('hex') }),
  });
  let rest = stream;
  for (const cut of [...cuts, stream.length]) {
    feed(reader, rest.subarray(0, cut));
    rest = rest.subarray(cut);
    assert.ok(reader.space().length > 0);
  }
  return received;
}

const frames = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constant(FrameType.index),
      position: fc.maxSafeNat(),
      payload: fc.uint8Array({ maxLength: 100 }),
    }),
    fc.record({
      type: fc.constant(FrameType.chunk),
      position: fc.maxSafeNat(),
      payload: fc.uint8Array({ maxLength: 300 }),
    }),
  ),
  { maxLength: 20 },
);
const cuts = fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 30 });

void test('`frameReader` gives back every frame when the stream is cut anywhere', () => {
  fc.assert(
    fc.property(frames, cuts, (sent, lengths) => {
      const encoded = sent.map(({ type, payload, position }) =>
        encodeFrame(type, payload, position),
      );
      const received = readAll(Buffer.concat(encoded), lengths);
      assert.deepEqual(
        received,
        sent.map((frame) => ({ ...frame, payload: Buffer.from(frame.payload).toString('hex') })),
      );
    }),
  );
});

void test('`frameReader` throws `protocol` and nothing else when bytes are arbitrary', () => {
  const almostFrame = fc.tuple(
    fc.integer({ min: 0, max: 400 }),
    fc.nat(10),
    fc.nat(2),
    fc.uint8Array({ maxLength: 400 }),
  );
  const stream = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    almostFrame.map(([length, type, encoding, rest]) =>
      Buffer.concat([Buffer.from([length % 256, length >> 8, 0, 0, type, encoding]), rest]),
    ),
  );
  fc.assert(
    fc.property(stream, cuts, (bytes, lengths) => {
      try {
        readAll(Buffer.from(bytes), lengths);
      } catch (error) {
        assert.ok(error instanceof KgetError && error.code === 'protocol', String(error));
      }
    }),
    { numRuns: 500 },
  );
});

const header = (change: (header: Buffer) => unknown): Buffer => {
  const frame = encodeFrame(FrameType.index);
  change(frame);
  return frame;
};

for (const [name, frame] of Object.entries({
  'the type is unknown': header((bytes) => bytes.writeUInt8(77, 4)),
  'the type is not expected': header((bytes) => bytes.writeUInt8(FrameType.open, 4)),
  'the payload is too long': header((bytes) => bytes.writeUInt32LE(101, 0)),
  'the encoding is unknown': header((bytes) => bytes.writeUInt8(2, 5)),
  'what is not a chunk is compressed': header((bytes) => bytes.writeUInt8(1, 5)),
  'reserved bits are set': header((bytes) => bytes.writeUInt16LE(1, 6)),
  'the position is too large': header((bytes) => bytes.writeUInt32LE(2 ** 21, 12)),
})) {
  void test(`\`readHeader\` throws \`protocol\` when ${name}`, () => {
    assert.throws(() => readAll(frame, []), { code: 'protocol' });
  });
}
