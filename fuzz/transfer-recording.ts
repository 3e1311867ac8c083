/** What both sides of the protocol say to each other while an image is pulled, without a network. */
import type { TLSSocket } from 'node:tls';
import { setImmediate as turn } from 'node:timers/promises';
import { feed, frameReader } from '../src/transfer/frame-reader.ts';
import { HEADER_BYTES } from '../src/transfer/frame.ts';
import { REQUEST_BUFFER_BYTES } from '../src/transfer/limits.ts';
import { answerLimits, receiver } from '../src/transfer/receiver.ts';
import { REQUEST_LIMITS, sender } from '../src/transfer/sender.ts';
import { CHUNK_BYTES, memoryImage, memoryLanding, noise } from '../test/transfer/memory.ts';

/** Room for two of the largest answers in chunks of `CHUNK_BYTES`. */
export const ANSWER_BUFFER_BYTES = 80 * 1024;

/** The id of the image that is served. */
export const IMAGE_ID = 'node1:/vm/disk';

/** Text, noise, zeros, a chunk that comes twice, and a short one at the end. */
export const IMAGE = Buffer.concat([
  Buffer.alloc(2 * CHUNK_BYTES, 'a chunk of text '),
  noise(3 * CHUNK_BYTES),
  Buffer.alloc(2 * CHUNK_BYTES),
  noise(CHUNK_BYTES),
  Buffer.alloc(999, 'the end '),
]);

/** Turns that an exchange in memory may take. */
const MAX_TURNS = 100_000;

export interface Recording {
  /** All that the receiver sent, and all that the sender sent. */
  readonly requests: Buffer;
  readonly answers: Buffer;
}

/** Stands for a connection on which a sender writes. */
export function socketOf(onBytes: (bytes: Buffer) => void): TLSSocket {
  const socket = {
    write(bytes: Buffer, done: () => void): boolean {
      onBytes(Buffer.from(bytes));
      queueMicrotask(done);
      return true;
    },
  };
  return socket as unknown as TLSSocket;
}

function fail(error: unknown): never {
  throw error;
}

/** Pulls an image; at a `level` above 0 every chunk comes compressed. */
export async function recordPull(image: Buffer, level: number): Promise<Recording> {
  const requests: Buffer[] = [];
  const answers: Buffer[] = [];
  const ended = new AbortController();
  const arrived: unknown[] = [];
  const answer = (bytes: Buffer): void => {
    answers.push(bytes);
    queueMicrotask(() => feed(toReceiver, bytes));
  };
  const near = receiver({
    image: IMAGE_ID,
    chunkSizeBytes: CHUNK_BYTES,
    level,
    land: (sizeBytes) => Promise.resolve(memoryLanding({ sizeBytes })),
    counters: { wireBytes: 0, chunks: 0 },
    send: (frame) => {
      requests.push(frame);
      queueMicrotask(() => feed(toSender, frame));
    },
    onAlive: () => undefined,
    onArrived: (landing) => {
      arrived.push(landing);
    },
    onFailed: (_, error) => fail(error),
  });
  const far = sender({
    find: () => memoryImage(image),
    upload: { take: () => undefined },
    socket: socketOf(answer),
    signal: ended.signal,
    nowMs: () => 0,
    send: answer,
    onOpened: () => undefined,
    onDone: () => undefined,
    onError: fail,
  });
  const limits = answerLimits(CHUNK_BYTES);
  const toReceiver = frameReader({
    limits,
    bufferBytes: ANSWER_BUFFER_BYTES,
    onFrame: near.take,
  });
  const toSender = frameReader({
    limits: REQUEST_LIMITS,
    bufferBytes: REQUEST_BUFFER_BYTES,
    onFrame: far.take,
  });
  near.open();
  for (let turns = 0; arrived.length === 0; turns += 1) {
    if (turns > MAX_TURNS) throw new Error('the image does not arrive');
    await turn();
  }
  ended.abort();
  return { requests: Buffer.concat(requests), answers: Buffer.concat(answers) };
}

/** The frames of a stream, as far as their lengths tell; what is left is the last piece. */
export function framesOf(stream: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  let at = 0;
  while (stream.length - at >= HEADER_BYTES) {
    const end = at + HEADER_BYTES + stream.readUInt32LE(at);
    if (end > stream.length) break;
    frames.push(stream.subarray(at, end));
    at = end;
  }
  if (at < stream.length) frames.push(stream.subarray(at));
  return frames;
}
