import * as z from 'zod/mini';
import { KgetError, type Failure } from '../base/error.ts';

/**
 * How messages become bytes: one JSON text a line, UTF-8. JSON escapes line feeds in strings, so a
 * line feed always ends a message.
 */

/** The longest message, its line feed included. A `found` message may name 100,000 images. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** How far a sender may be ahead of the other side before the channel ends. */
export const MAX_QUEUED_BYTES = 2 * MAX_LINE_BYTES;

const MAX_EXCERPT_CHARACTERS = 120;

/** What a message may be: the type it has after it was checked. */
export type MessageSchema<Message> = z.core.$ZodType<Message>;

export function encodeMessage(message: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(message)}\n`);
}

/** The message on a line; `peer` names in errors who sent it. @throws KgetError `protocol` */
export function decodeMessage<Message>(
  line: string,
  { schema, peer }: { schema: MessageSchema<Message>; peer: string },
): Message {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw protocolError({ peer, found: 'no JSON', line, cause });
  }
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  const found = z.prettifyError(result.error).slice(0, MAX_EXCERPT_CHARACTERS);
  throw protocolError({ peer, found, line, cause: result.error });
}

/** Why a message must not be sent, if so: it is too long, or the other side is too far behind. */
export function refusalOf(facts: {
  peer: string;
  lineBytes: number;
  queuedBytes: number;
}): Failure | undefined {
  const { peer, lineBytes, queuedBytes } = facts;
  if (lineBytes > MAX_LINE_BYTES) {
    const limit = `at most ${MAX_LINE_BYTES} B may be sent`;
    return { code: 'protocol', message: `Cannot send ${lineBytes} B to ${peer}: ${limit}` };
  }
  if (queuedBytes + lineBytes <= MAX_QUEUED_BYTES) return undefined;
  const found = `${queuedBytes} B wait for ${peer} to read, at most ${MAX_QUEUED_BYTES} B may`;
  return { code: 'disconnected', message: `The control channel broke: ${found}` };
}

/** The beginning of a text that others wrote, printable and short enough for a message. */
export function excerpt(text: string, maxCharacters = MAX_EXCERPT_CHARACTERS): string {
  const printable = text.replaceAll(/\p{C}/gu, ' ').trim();
  return printable.length > maxCharacters ? `${printable.slice(0, maxCharacters)}…` : printable;
}

function protocolError(facts: { peer: string; found: string; line: string; cause: unknown }) {
  return new KgetError(
    'protocol',
    `Cannot read a message of ${facts.peer}: ${excerpt(facts.found)} ` +
      `in "${excerpt(facts.line)}"; ` +
      'wanted one message of the control protocol',
    { cause: facts.cause },
  );
}
