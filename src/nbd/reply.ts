import {
  ALLOCATION_CONTEXT_ID,
  ExtentFlag,
  ReplyFlag,
  ReplyType,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from './protocol.ts';
import type { Extent } from './disk.ts';
import type { Refusal } from './request.ts';

/** Magic u32, error u32, cookie u64. */
const SIMPLE_HEADER_BYTES = 16;
/** Magic u32, flags u16, type u16, cookie u64, length u32. */
const CHUNK_HEADER_BYTES = 20;

/** Whether more chunks of the same reply follow. */
type Position = 'more' | 'last';

/** The head of a simple reply; the data of a successful read follows it. */
export function encodeSimpleReply(cookie: Buffer, error: number): Buffer {
  const reply = Buffer.allocUnsafe(SIMPLE_HEADER_BYTES);
  reply.writeUInt32BE(SIMPLE_REPLY_MAGIC, 0);
  reply.writeUInt32BE(error, 4);
  cookie.copy(reply, 8);
  return reply;
}

/** The end of a reply that has nothing else to say. */
export function encodeNone(cookie: Buffer): Buffer {
  return chunk({ cookie, position: 'last', type: ReplyType.none, bodyBytes: 0, dataBytes: 0 });
}

export interface ContentChunk {
  readonly cookie: Buffer;
  readonly position: Position;
  /** From the start of the disk. */
  readonly offset: number;
  readonly lengthBytes: number;
}

/** The head of a chunk of data; `lengthBytes` of data follow it. */
export function encodeDataHead(content: ContentChunk): Buffer {
  const { cookie, position, lengthBytes } = content;
  const type = ReplyType.offsetData;
  const head = chunk({ cookie, position, type, bodyBytes: 8, dataBytes: lengthBytes });
  writeOffset(head, content.offset, CHUNK_HEADER_BYTES);
  return head;
}

/** Bytes that are all zero, without these. */
export function encodeHole(content: ContentChunk): Buffer {
  const { cookie, position } = content;
  const type = ReplyType.offsetHole;
  const hole = chunk({ cookie, position, type, bodyBytes: 12, dataBytes: 0 });
  writeOffset(hole, content.offset, CHUNK_HEADER_BYTES);
  hole.writeUInt32BE(content.lengthBytes, CHUNK_HEADER_BYTES + 8);
  return hole;
}

/** The last chunk of a reply that failed, at a certain offset if that is known. */
export function encodeErrorChunk(cookie: Buffer, refusal: Refusal, offset?: number): Buffer {
  const text = Buffer.from(refusal.message);
  const type = offset === undefined ? ReplyType.error : ReplyType.errorOffset;
  const bodyBytes = 6 + text.length + (offset === undefined ? 0 : 8);
  const reply = chunk({ cookie, position: 'last', type, bodyBytes, dataBytes: 0 });
  reply.writeUInt32BE(refusal.error, CHUNK_HEADER_BYTES);
  reply.writeUInt16BE(text.length, CHUNK_HEADER_BYTES + 4);
  reply.set(text, CHUNK_HEADER_BYTES + 6);
  if (offset !== undefined) writeOffset(reply, offset, reply.length - 8);
  return reply;
}

/** What a range consists of, in the terms of `base:allocation`. */
export function encodeBlockStatus(cookie: Buffer, extents: readonly Extent[]): Buffer {
  const bodyBytes = 4 + 8 * extents.length;
  const type = ReplyType.blockStatus;
  const reply = chunk({ cookie, position: 'last', type, bodyBytes, dataBytes: 0 });
  let end = reply.writeUInt32BE(ALLOCATION_CONTEXT_ID, CHUNK_HEADER_BYTES);
  for (const { lengthBytes, isZero } of extents) {
    end = reply.writeUInt32BE(lengthBytes, end);
    end = reply.writeUInt32BE(isZero ? ExtentFlag.hole | ExtentFlag.zero : 0, end);
  }
  return reply;
}

interface ChunkShape {
  readonly cookie: Buffer;
  readonly position: Position;
  readonly type: number;
  /** What the buffer has room for behind the header. */
  readonly bodyBytes: number;
  /** What follows it in other buffers. */
  readonly dataBytes: number;
}

function chunk({ cookie, position, type, bodyBytes, dataBytes }: ChunkShape): Buffer {
  const buffer = Buffer.allocUnsafe(CHUNK_HEADER_BYTES + bodyBytes);
  buffer.writeUInt32BE(STRUCTURED_REPLY_MAGIC, 0);
  buffer.writeUInt16BE(position === 'last' ? ReplyFlag.done : 0, 4);
  buffer.writeUInt16BE(type, 6);
  cookie.copy(buffer, 8);
  buffer.writeUInt32BE(bodyBytes + dataBytes, 16);
  return buffer;
}

function writeOffset(target: Buffer, value: number, at: number): void {
  target.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  target.writeUInt32BE(value % 2 ** 32, at + 4);
}
