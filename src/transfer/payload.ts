import { ERROR_CODES, KgetError, type Failure } from '../base/error.ts';
import type { ChunkRun, ImageShape } from '../content/image.ts';
import { MAX_LEVEL } from '../content/zstd.ts';
import { PROTOCOL_VERSION } from './frame.ts';
import { MAX_FAILURE_BYTES, MAX_IMAGE_ID_BYTES } from './limits.ts';

/**
 * Payloads of frames: docs/protocol.md has their layouts. All readers throw KgetError `protocol`.
 */

/** "KGET" as bytes. */
const OPEN_MAGIC = Buffer.from('KGET').readUInt32LE(0);
const OPEN_FIXED_BYTES = 12;
const ACCEPTS_ZSTD = 1;
export const RUN_BYTES = 8;

/** Largest payload of OPEN. */
export const MAX_OPEN_BYTES = OPEN_FIXED_BYTES + MAX_IMAGE_ID_BYTES;
export const META_BYTES = 12;
export const COUNT_BYTES = 4;

/** What a receiver says first. */
export interface Open {
  readonly image: string;
  readonly chunkSizeBytes: number;
  readonly acceptsZstd: boolean;
  /** The zstd level at which every chunk is to be compressed; 0 if only where that pays. */
  readonly level: number;
}

export function encodeOpen(open: Open): Buffer {
  const id = Buffer.from(open.image);
  if (id.length > MAX_IMAGE_ID_BYTES) {
    throw new KgetError(
      'protocol',
      `Cannot ask for image "${open.image}": its id has ${id.length} B, at most ${MAX_IMAGE_ID_BYTES} B allowed`,
    );
  }
  const payload = Buffer.alloc(OPEN_FIXED_BYTES + id.length);
  payload.writeUInt32LE(OPEN_MAGIC, 0);
  payload.writeUInt16LE(PROTOCOL_VERSION, 4);
  payload.writeUInt8(open.acceptsZstd ? ACCEPTS_ZSTD : 0, 6);
  payload.writeUInt8(open.level, 7);
  payload.writeUInt32LE(open.chunkSizeBytes, 8);
  id.copy(payload, OPEN_FIXED_BYTES);
  return payload;
}

/** @throws KgetError `version` if the receiver speaks another version of the protocol */
export function decodeOpen(payload: Buffer): Open {
  if (payload.length < OPEN_FIXED_BYTES || payload.readUInt32LE(0) !== OPEN_MAGIC) {
    throw new KgetError('protocol', 'Cannot open an image: the first frame is not an OPEN of ours');
  }
  const version = payload.readUInt16LE(4);
  if (version !== PROTOCOL_VERSION) {
    throw new KgetError(
      'version',
      `Cannot open an image: the receiver speaks version ${version}, wanted ${PROTOCOL_VERSION}`,
    );
  }
  return {
    image: payload.toString('utf8', OPEN_FIXED_BYTES),
    chunkSizeBytes: payload.readUInt32LE(8),
    acceptsZstd: (payload.readUInt8(6) & ACCEPTS_ZSTD) !== 0,
    level: Math.min(payload.readUInt8(7), MAX_LEVEL),
  };
}

export function encodeMeta(shape: ImageShape): Buffer {
  const payload = Buffer.alloc(META_BYTES);
  payload.writeBigUInt64LE(BigInt(shape.sizeBytes), 0);
  payload.writeUInt32LE(shape.chunkSizeBytes, 8);
  return payload;
}

export function decodeMeta(payload: Buffer): ImageShape {
  exactly('META', payload, META_BYTES);
  const sizeBytes = Number(payload.readBigUInt64LE(0));
  if (!Number.isSafeInteger(sizeBytes)) {
    throw new KgetError('protocol', `Cannot take an image in: a size of ${sizeBytes} B`);
  }
  return { sizeBytes, chunkSizeBytes: payload.readUInt32LE(8) };
}

export function encodeCount(count: number): Buffer {
  const payload = Buffer.alloc(COUNT_BYTES);
  payload.writeUInt32LE(count);
  return payload;
}

export function decodeCount(payload: Buffer): number {
  exactly('ASK', payload, COUNT_BYTES);
  return payload.readUInt32LE(0);
}

export function encodeRuns(runs: readonly ChunkRun[]): Buffer {
  const payload = Buffer.alloc(runs.length * RUN_BYTES);
  for (const [at, run] of runs.entries()) {
    payload.writeUInt32LE(run.first, at * RUN_BYTES);
    payload.writeUInt32LE(run.count, at * RUN_BYTES + 4);
  }
  return payload;
}

/** Runs of existing chunks, none of them empty. */
export function decodeRuns(payload: Buffer, chunkCount: number): ChunkRun[] {
  if (payload.length === 0 || payload.length % RUN_BYTES !== 0) {
    throw new KgetError('protocol', `Cannot serve chunks: a request of ${payload.length} B`);
  }
  const runs: ChunkRun[] = [];
  for (let at = 0; at < payload.length; at += RUN_BYTES) {
    const run = { first: payload.readUInt32LE(at), count: payload.readUInt32LE(at + 4) };
    checkRun(run, chunkCount);
    runs.push(run);
  }
  return runs;
}

function checkRun(run: ChunkRun, chunkCount: number): void {
  if (run.count >= 1 && run.first + run.count <= chunkCount) return;
  throw new KgetError(
    'protocol',
    `Cannot serve ${run.count} chunks from ${run.first} on: the image has ${chunkCount}`,
  );
}

/** The failure as JSON, its message cut to fit the frame. */
export function encodeFailure(failure: Failure): Buffer {
  const { code } = failure;
  // A character takes at most six bytes in JSON (\uXXXX).
  const message = failure.message.slice(0, Math.floor((MAX_FAILURE_BYTES - 64) / 6));
  return Buffer.from(JSON.stringify({ code, message }));
}

export function decodeFailure(payload: Buffer): Failure {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString());
  } catch (cause) {
    throw new KgetError('protocol', 'Cannot read why the sender failed: not JSON', { cause });
  }
  if (typeof value === 'object' && value !== null && 'code' in value && 'message' in value) {
    const code = ERROR_CODES.find((known) => known === value.code);
    if (code !== undefined && typeof value.message === 'string') {
      return { code, message: value.message };
    }
  }
  throw new KgetError('protocol', 'Cannot read why the sender failed: no known code and message');
}

function exactly(name: string, payload: Buffer, bytes: number): void {
  if (payload.length === bytes) return;
  throw new KgetError('protocol', `Cannot read ${name}: ${payload.length} B, wanted ${bytes} B`);
}
