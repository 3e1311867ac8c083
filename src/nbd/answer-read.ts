import { toFailure } from '../base/error.ts';
import type { Disk } from './disk.ts';
import type { Segment } from './extents.ts';
import { CommandFlag, NbdError } from './protocol.ts';
import { planRead, readPieces } from './read-pieces.ts';
import {
  encodeDataHead,
  encodeErrorChunk,
  encodeHole,
  encodeNone,
  encodeSimpleReply,
} from './reply.ts';
import type { Refusal, Request } from './request.ts';
import type { Wire } from './wire.ts';

/** What a request is answered with, and to whom. */
export interface AnswerContext {
  readonly wire: Wire;
  readonly disk: Disk;
  readonly replies: 'simple' | 'structured';
  readonly onNotice: (text: string) => void;
}

/** Sent as often as needed in place of zeros that a reply has to spell out. */
const ZEROS = Buffer.alloc(1024 * 1024);

const UNREADABLE: Refusal = {
  error: NbdError.inputOutput,
  message: 'The export could not be read here',
};

/** Answers a READ that is allowed. */
export async function answerRead(request: Request, context: AnswerContext): Promise<void> {
  const { wire, disk, replies } = context;
  const { cookie } = request;
  if (request.lengthBytes === 0) {
    return wire.write([replies === 'simple' ? encodeSimpleReply(cookie, 0) : encodeNone(cookie)]);
  }
  let segments: Segment[];
  try {
    segments = await planRead(disk, request);
  } catch (error) {
    return fail(request, error, context);
  }
  const mustBeWhole = (request.flags & CommandFlag.dontFragment) !== 0;
  if (replies === 'simple' || mustBeWhole) return sendWhole(request, segments, context);
  return sendPieces(request, segments, context);
}

/** One content chunk a piece, as soon as it is there. */
async function sendPieces(
  request: Request,
  segments: readonly Segment[],
  context: AnswerContext,
): Promise<void> {
  const { wire, disk } = context;
  const { cookie } = request;
  const endOffset = request.offset + request.lengthBytes;
  for await (const piece of readPieces(disk, segments)) {
    const { offset, lengthBytes } = piece.segment;
    const position = offset + lengthBytes === endOffset ? 'last' : 'more';
    const content = { cookie, position, offset, lengthBytes } as const;
    if (piece.kind === 'failed') return fail(request, piece.error, context, offset);
    const head = piece.kind === 'zeros' ? encodeHole(content) : encodeDataHead(content);
    await wire.write(piece.kind === 'zeros' ? [head] : [head, piece.bytes]);
    if (wire.isClosed()) return;
  }
}

/** All at once, when all of it is there: an error could not be told in the middle. */
async function sendWhole(
  request: Request,
  segments: readonly Segment[],
  context: AnswerContext,
): Promise<void> {
  const { wire, disk, replies } = context;
  const { cookie, offset, lengthBytes } = request;
  const reply: Buffer[] = [
    replies === 'simple'
      ? encodeSimpleReply(cookie, 0)
      : encodeDataHead({ cookie, position: 'last', offset, lengthBytes }),
  ];
  for await (const piece of readPieces(disk, segments)) {
    if (piece.kind === 'failed') return fail(request, piece.error, context, piece.segment.offset);
    if (piece.kind === 'data') reply.push(piece.bytes);
    else reply.push(...zeros(piece.segment.lengthBytes));
  }
  await wire.write(reply);
}

function* zeros(lengthBytes: number): Generator<Buffer> {
  for (let left = lengthBytes; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}

/** Tells both sides that the disk could not be read; the connection goes on. */
export function fail(
  request: Request,
  error: unknown,
  { wire, replies, onNotice }: AnswerContext,
  offset?: number,
): Promise<void> {
  const where = `${request.lengthBytes} B at ${request.offset}`;
  onNotice(`Cannot read ${where}: ${toFailure(error).message}`);
  const { cookie } = request;
  return wire.write([
    replies === 'simple'
      ? encodeSimpleReply(cookie, UNREADABLE.error)
      : encodeErrorChunk(cookie, UNREADABLE, offset),
  ]);
}
