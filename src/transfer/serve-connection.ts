import type { TLSSocket } from 'node:tls';
import { toFailure } from '../base/error.ts';
import { feed, frameReader } from './frame-reader.ts';
import { ALIVE_WAITS, encodeFrame, FrameType } from './frame.ts';
import { REQUEST_BUFFER_BYTES, type ServeLimits } from './limits.ts';
import { encodeFailure } from './payload.ts';
import { REQUEST_LIMITS, sender } from './sender.ts';
import type { ServeOptions } from './transfer.ts';
import { watchdog } from './watchdog.ts';

export interface ConnectionOptions extends Pick<ServeOptions, 'find' | 'upload'> {
  readonly limits: ServeLimits;
  readonly nowMs: () => number;
  readonly onNotice: (text: string) => void;
}

/**
 * Serves one image to the receiver at the other end of a connection that is trusted, until it
 * closes.
 */
export function serveConnection(socket: TLSSocket, options: ConnectionOptions): void {
  const { limits } = options;
  const ended = new AbortController();
  const { signal } = ended;
  const image = sender({
    ...options,
    socket,
    signal,
    send,
    onOpened: () => {
      hasOpened = true;
      silence.stop();
      silence = watchdog(limits.idleMs, leave);
    },
    onDone: close,
    onError: refuse,
  });
  const reader = frameReader({
    limits: REQUEST_LIMITS,
    bufferBytes: REQUEST_BUFFER_BYTES,
    onFrame: (header, payload) => {
      if (!signal.aborted) image.take(header, payload);
    },
  });
  let hasOpened = false;
  let silence = watchdog(limits.handshakeMs, leave);
  const heartbeat = setInterval(beat, limits.heartbeatMs);
  let lingering: NodeJS.Timeout | undefined;

  socket.setNoDelay(true);
  socket.on('data', (bytes: Buffer) => {
    // Until an image is opened the time is fixed, however the bytes trickle in.
    if (hasOpened) silence.heard();
    if (signal.aborted) return;
    try {
      feed(reader, bytes);
    } catch (error) {
      refuse(error);
    }
  });
  socket.on('error', end);
  socket.on('close', () => {
    end();
    clearTimeout(lingering);
  });

  /** Says what is wrong, and closes. */
  function refuse(error: unknown): void {
    if (signal.aborted) return;
    const failure = toFailure(error);
    if (failure.code === 'protocol') {
      options.onNotice(`Closed the connection of ${socket.remoteAddress}: ${failure.message}`);
    }
    send(encodeFrame(FrameType.fail, encodeFailure(failure)));
    close();
  }

  /** Closes when all that was sent has gone out, or soon. */
  function close(): void {
    end();
    socket.end();
    lingering = setTimeout(() => socket.destroy(), limits.lingerMs);
  }

  function leave(): void {
    end();
    socket.destroy();
  }

  function end(): void {
    ended.abort();
    silence.stop();
    clearInterval(heartbeat);
  }

  function send(frame: Buffer): void {
    if (socket.writable) socket.write(frame);
  }

  function beat(): void {
    if (socket.writableLength > 0) return;
    send(encodeFrame(FrameType.alive, undefined, image.waits() ? ALIVE_WAITS : 0));
  }
}
