import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Failure } from '../base/error.ts';
import type { Channel } from './channel.ts';
import { endReport } from './end-report.ts';
import { encodeMessage, refusalOf } from './message-lines.ts';
import { messageReader, type MessageReaderOptions } from './message-reader.ts';

/** How long the other side of a socket may take to end it once we have. */
const LINGER_LIMIT_MS = 5000;

export interface StreamChannelOptions<In> extends MessageReaderOptions<In> {
  readonly writable: Writable;
}

/**
 * A channel over two byte streams, which it owns from now on: standard input and output of an
 * agent, or of the process that leads to one; or both are the same socket. Nothing is read before `onMessage` is set. An input
 * that ends between two messages is an orderly close, so an agent cannot tell a coordinator that
 * closed from one that was killed.
 */
export function streamChannel<Out, In>(options: StreamChannelOptions<In>): Channel<Out, In> {
  const { readable, writable, peer } = options;
  const report = endReport();
  let closing = false;
  let broken = false;
  const reader = messageReader<In>(options, (failure) => {
    if (failure === undefined) close();
    else finish(failure);
  });

  function finish(failure?: Failure): void {
    if (report.ended) return;
    reader.stop();
    // A socket that is closed before all was read breaks what is still under way to the other side.
    if (failure === undefined && Object.is(readable, writable)) readToEnd(readable);
    else readable.destroy();
    // After an orderly end all was flushed, and what the other side has not read yet must stay.
    if (failure !== undefined) writable.destroy();
    report.end(failure);
  }

  function close(): void {
    if (closing || report.ended) return;
    closing = true;
    reader.stop();
    // The standard output of a process stays open when its pipe is broken, and never says that it
    // has ended.
    if (broken || writable.destroyed || writable.writableFinished) finish();
    else writable.end(() => finish());
  }

  // A peer that closes while we send breaks the pipe. Its last messages still count, and the end of
  // the input says how it ended; only when we are closing there is nothing left to wait for.
  writable.on('error', () => {
    broken = true;
    if (closing) finish();
  });

  return {
    send(message) {
      if (closing || report.ended || broken || writable.destroyed) return;
      const line = encodeMessage(message);
      const queuedBytes = writable.writableLength;
      const refusal = refusalOf({ peer, lineBytes: line.length, queuedBytes });
      if (refusal === undefined) writable.write(line);
      else finish(refusal);
    },
    onMessage(listener) {
      queueMicrotask(() => {
        if (!closing && !report.ended) reader.start(listener);
      });
    },
    onEnd: report.listen,
    close,
  };
}

/**
 * Reads on for nobody until the other side has ended the socket, too, then closes it. A process that
 * has nothing else to do does not wait for that.
 */
function readToEnd(socket: Readable): void {
  if (socket instanceof Socket) socket.unref();
  const late = setTimeout(() => socket.destroy(), LINGER_LIMIT_MS).unref();
  socket.on('close', () => clearTimeout(late));
  socket.on('end', () => socket.destroy());
  socket.resume();
  if (socket.readableEnded) socket.destroy();
}
