import { toFailure } from '../base/error.ts';
import { answerRead, type AnswerContext } from './answer-read.ts';
import { answerStatus } from './answer-status.ts';
import { countFlights, type Flights } from './flights.ts';
import type { NbdLimits } from './limits.ts';
import { Command } from './protocol.ts';
import { encodeErrorChunk, encodeSimpleReply } from './reply.ts';
import {
  payloadBytes,
  readRequest,
  refusal,
  REQUEST_BYTES,
  type Agreement,
  type Request,
} from './request.ts';
import { skip } from './wire.ts';

export interface TransmitOptions extends AnswerContext {
  readonly hasAllocation: boolean;
  readonly limits: NbdLimits;
  /** The client sends no more, but may still wait for replies. */
  readonly onGoodbye: () => void;
  /** The client broke the protocol (KgetError `protocol`): close the wire, it waits for nothing. */
  readonly onViolation: (error: unknown) => void;
}

/**
 * Answers requests, several at a time and in any order, until the client says goodbye or is gone.
 * Resolves when no call of the disk is under way; never rejects.
 */
export async function transmit(options: TransmitOptions): Promise<void> {
  const flights = countFlights(options.limits);
  try {
    await takeRequests(flights, options);
    options.onGoodbye();
  } catch (error) {
    options.onViolation(error);
  }
  await flights.landed();
}

async function takeRequests(flights: Flights, options: TransmitOptions): Promise<void> {
  const { wire, disk, replies, hasAllocation } = options;
  const agreement: Agreement = { sizeBytes: disk.sizeBytes, replies, hasAllocation };
  for (;;) {
    const bytes = await wire.read(REQUEST_BYTES);
    if (bytes === undefined) return;
    const request = readRequest(bytes);
    if (request.type === Command.disconnect) return;
    if (!(await skip(wire, payloadBytes(request)))) return;
    const costBytes = request.type === Command.read ? request.lengthBytes : 0;
    await flights.begin(costBytes);
    void answer(request, agreement, options).finally(() => flights.end(costBytes));
  }
}

/** Never rejects. */
async function answer(
  request: Request,
  agreement: Agreement,
  context: AnswerContext,
): Promise<void> {
  try {
    const refused = refusal(request, agreement);
    if (refused !== undefined) {
      const { cookie } = request;
      const isSimple = context.replies === 'simple';
      const reply = isSimple
        ? encodeSimpleReply(cookie, refused.error)
        : encodeErrorChunk(cookie, refused);
      await context.wire.write([reply]);
    } else if (request.type === Command.read) {
      await answerRead(request, context);
    } else {
      await answerStatus(request, context);
    }
  } catch (error) {
    context.onNotice(`Cannot answer a request: ${toFailure(error).message}`);
  }
}
