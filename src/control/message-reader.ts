import type { Readable } from 'node:stream';
import { KgetError, toFailure, type Failure } from '../base/error.ts';
import { lineSplitter } from './line-splitter.ts';
import { decodeMessage, MAX_LINE_BYTES, type MessageSchema } from './message-lines.ts';

export interface MessageReaderOptions<In> {
  readonly readable: Readable;
  /** What the other side may send. */
  readonly schema: MessageSchema<In>;
  /** Who is on the other side, for errors: `the agent on node07`. */
  readonly peer: string;
  /** Bytes that were read from `readable` before it was handed over. */
  readonly alreadyRead?: Buffer;
}

export interface MessageReader<In> {
  /** Starts to read; until then the stream's own buffers hold the other side back. */
  start(onMessage: (message: In) => void): void;
  /** Delivers nothing from now on. */
  stop(): void;
}

/**
 * Reads messages from a byte stream. `onEnd` is called at most once: with no failure when the
 * stream ended between two messages.
 */
export function messageReader<In>(
  options: MessageReaderOptions<In>,
  onEnd: (failure?: Failure) => void,
): MessageReader<In> {
  const { readable, schema, peer } = options;
  const splitter = lineSplitter(MAX_LINE_BYTES);
  let deliver: ((message: In) => void) | undefined;
  let stopped = false;

  function end(failure?: Failure): void {
    if (stopped) return;
    stopped = true;
    onEnd(failure);
  }

  function broke(how: string): void {
    end({ code: 'disconnected', message: `The control channel broke: ${peer} ${how}` });
  }

  function take(bytes: Buffer): void {
    try {
      for (const line of splitter.push(bytes)) {
        const message = decodeMessage(line, { schema, peer });
        if (stopped) return;
        deliver?.(message);
      }
    } catch (error) {
      if (!(error instanceof KgetError)) throw error;
      end(toFailure(error));
    }
  }

  function inputEnded(): void {
    if (splitter.pendingBytes() > 0) broke('stopped in the middle of a message');
    else end();
  }

  readable.on('error', (error) => broke(`cannot be read any more: ${error.message}`));
  readable.on('close', () => {
    if (!readable.readableEnded) broke('went away');
  });

  return {
    start(onMessage) {
      deliver = onMessage;
      if (options.alreadyRead !== undefined) take(options.alreadyRead);
      if (readable.readableEnded) {
        inputEnded();
        return;
      }
      readable.on('end', inputEnded);
      readable.on('data', take);
      readable.resume();
    },
    stop() {
      stopped = true;
    },
  };
}
