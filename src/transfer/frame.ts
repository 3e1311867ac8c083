import { KgetError } from '../base/error.ts';

/**
 * A frame is a header of 16 bytes and a payload. All numbers are little-endian:
 * payload length u32, type u8, encoding u8, zero u16, position u64.
 */
export const HEADER_BYTES = 16;

/** Version of the protocol, named in OPEN. */
export const PROTOCOL_VERSION = 1;

export const FrameType = {
  open: 1,
  meta: 2,
  ask: 3,
  index: 4,
  want: 5,
  chunk: 6,
  done: 7,
  fail: 8,
  alive: 9,
} as const;

export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** The position of an ALIVE by which a sender says that it waits for its scan or its rate limit. */
export const ALIVE_WAITS = 1;

/** How the payload of a CHUNK is written; everything else is `raw`. */
export const Encoding = { raw: 0, zstd: 1 } as const;

export type Encoding = (typeof Encoding)[keyof typeof Encoding];

export interface FrameHeader {
  readonly type: FrameType;
  readonly encoding: Encoding;
  /** The chunk that the frame begins with; 0 where that has no meaning. */
  readonly position: number;
  readonly payloadBytes: number;
}

/** Writes a header at `offset` of `target`. */
export function writeHeader(target: Buffer, offset: number, header: FrameHeader): void {
  target.writeUInt32LE(header.payloadBytes, offset);
  target[offset + 4] = header.type;
  target[offset + 5] = header.encoding;
  target.writeUInt16LE(0, offset + 6);
  target.writeUInt32LE(header.position % 2 ** 32, offset + 8);
  target.writeUInt32LE(Math.floor(header.position / 2 ** 32), offset + 12);
}

/** Largest payload of each type that a side accepts; a type that is not named is refused. */
export type PayloadLimits = Readonly<Partial<Record<FrameType, number>>>;

/**
 * Reads the header at `offset`. @throws KgetError `protocol` for anything that `limits` do not
 * allow
 */
export function readHeader(source: Buffer, offset: number, limits: PayloadLimits): FrameHeader {
  const payloadBytes = source.readUInt32LE(offset);
  const type = source.readUInt8(offset + 4);
  const encoding = source.readUInt8(offset + 5);
  const position = source.readUInt32LE(offset + 8) + source.readUInt32LE(offset + 12) * 2 ** 32;
  if (!isFrameType(type) || limits[type] === undefined) {
    throw new KgetError('protocol', `Cannot read a frame: type ${type} is not expected here`);
  }
  if (payloadBytes > limits[type]) {
    throw new KgetError(
      'protocol',
      `Cannot read a frame of type ${type}: ${payloadBytes} B announced, at most ${limits[type]} B allowed`,
    );
  }
  const chunkInZstd = type === FrameType.chunk && encoding === Encoding.zstd;
  if (encoding !== Encoding.raw && !chunkInZstd) {
    throw new KgetError('protocol', `Cannot read a frame of type ${type}: encoding ${encoding}`);
  }
  if (source.readUInt16LE(offset + 6) !== 0 || !Number.isSafeInteger(position)) {
    throw new KgetError('protocol', `Cannot read a frame of type ${type}: its header is malformed`);
  }
  return { type, encoding: chunkInZstd ? Encoding.zstd : Encoding.raw, position, payloadBytes };
}

/** A whole frame in a buffer of its own, for everything but chunks. */
export function encodeFrame(type: FrameType, payload?: Uint8Array, position = 0): Buffer {
  const payloadBytes = payload?.length ?? 0;
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payloadBytes);
  writeHeader(frame, 0, { type, encoding: Encoding.raw, position, payloadBytes });
  if (payload !== undefined) frame.set(payload, HEADER_BYTES);
  return frame;
}

function isFrameType(value: number): value is FrameType {
  return value >= FrameType.open && value <= FrameType.alive;
}
