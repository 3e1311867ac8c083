import { encodeFrame, FrameType, HEADER_BYTES, writeHeader } from '../src/transfer/frame.ts';
import type { Dice } from './dice.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { framesOf } from './transfer-recording.ts';

const MAX_CHANGES = 3;

const POSITIONS = [0, 1, 7, 8, 9, 1024, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];

/** A recorded stream with frames changed, exchanged, repeated or left out; or with other bytes. */
export function mutateFrames(samples: readonly Buffer[], dice: Dice): Buffer {
  if (dice.oneIn(32)) return dice.pick(samples);
  if (dice.oneIn(4)) return mutateBytes(samples, dice);
  const frames = framesOf(dice.pick(samples));
  const changes = 1 + dice.below(MAX_CHANGES);
  for (let change = 0; change < changes; change += 1) changeFrames(frames, samples, dice);
  return Buffer.concat(frames);
}

function changeFrames(frames: Buffer[], samples: readonly Buffer[], dice: Dice): void {
  const at = dice.below(frames.length + 1);
  const frame = frames[at] ?? encodeFrame(FrameType.alive);
  switch (dice.below(7)) {
    case 0:
      frames.splice(at, 1);
      break;
    case 1:
      frames.splice(at, 0, frame);
      break;
    case 2:
      frames.splice(at, 1);
      frames.splice(dice.below(frames.length + 1), 0, frame);
      break;
    case 3:
      frames.splice(at, 0, dice.pick(framesOf(dice.pick(samples))));
      break;
    case 4:
      frames.splice(at, 0, encodeFrame(dice.pick(Object.values(FrameType))));
      break;
    case 5:
      frames.splice(at, 1, withOtherPayload(frame, dice));
      break;
    default:
      frames.splice(at, 1, withOtherHeader(frame, dice));
  }
}

function withOtherPayload(frame: Buffer, dice: Dice): Buffer {
  if (frame.length < HEADER_BYTES) return frame;
  const payload = mutateBytes([frame.subarray(HEADER_BYTES)], dice);
  const changed = Buffer.concat([frame.subarray(0, HEADER_BYTES), payload]);
  changed.writeUInt32LE(payload.length);
  return changed;
}

function withOtherHeader(frame: Buffer, dice: Dice): Buffer {
  if (frame.length < HEADER_BYTES) return frame;
  const changed = Buffer.from(frame);
  const wasAt = frame.readUInt32LE(8);
  const hasOtherType = dice.oneIn(3);
  writeHeader(changed, 0, {
    payloadBytes: frame.length - HEADER_BYTES,
    type: hasOtherType ? dice.pick(Object.values(FrameType)) : FrameType.chunk,
    encoding: dice.oneIn(3) ? 1 : 0,
    position: dice.oneIn(2) ? dice.pick(POSITIONS) : wasAt + dice.below(5),
  });
  if (!hasOtherType) changed[4] = frame[4] ?? 0;
  return changed;
}
