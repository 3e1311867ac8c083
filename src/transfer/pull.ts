import type { TLSSocket } from 'node:tls';
import { KgetError } from '../base/error.ts';
import { dial } from './dial.ts';
import { frameReader } from './frame-reader.ts';
import { encodeFrame, FrameType, HEADER_BYTES } from './frame.ts';
import { PULL_LIMITS, RECEIVE_BUFFER_BYTES, type PullLimits } from './limits.ts';
import { attempted, linkError, type Stage } from './link-error.ts';
import { answerLimits, receiver } from './receiver.ts';
import type {
  Pull,
  PullBlame,
  PullCounters,
  PullOptions,
  PullOutcome,
  RateLimit,
} from './transfer.ts';
import { senderWatch, type SenderWatch } from './sender-watch.ts';

const STALLS = { silent: 'no byte came', idle: 'nothing came but signs of life' };

/** Starts to pull an image from another agent into a landing. */
export function pull(options: PullOptions): Pull {
  const counters: PullCounters = { wireBytes: 0, chunks: 0 };
  const outcome = new Promise<PullOutcome>((resolve) => {
    try {
      run(options, counters, resolve);
    } catch (error) {
      // Only our own side can fail before there is a connection: with an identity that is none,
      // say.
      resolve({ state: 'failed', blame: 'target', error: asKgetError(error) });
    }
  });
  return { counters, outcome };
}

function run(
  options: PullOptions,
  counters: PullCounters,
  resolve: (outcome: PullOutcome) => void,
): void {
  const { signal, chunkSizeBytes } = options;
  const limits: PullLimits = { ...PULL_LIMITS, ...options.limits };
  let stage: Stage = 'connecting';
  const image = receiver({
    ...options,
    counters,
    send(frame) {
      silence.asked();
      send(frame);
    },
    onAlive: (position) => silence.alive(position),
    onArrived: (landing) => end({ state: 'arrived', landing }),
    onFailed: fail,
  });
  const reader = frameReader({
    limits: answerLimits(chunkSizeBytes),
    bufferBytes: Math.max(RECEIVE_BUFFER_BYTES, 2 * (HEADER_BYTES + chunkSizeBytes)),
    onFrame: (header, payload) => image.take(header, payload),
  });
  const socket = dial(options, reader, onBytes);
  const silence = senderWatch({
    limitMs: limits.stallMs,
    isOwed: () => image.isOwed(),
    onStall: (how) => failLink('timeout', `${STALLS[how]} in ${limits.stallMs / 1000} s`),
  });
  const throttle = throttled({ socket, silence, download: options.download });
  const heartbeat = setInterval(() => send(encodeFrame(FrameType.alive)), limits.heartbeatMs);
  const connecting = setTimeout(
    () => failLink('timeout', `no connection in ${limits.connectMs} ms`),
    limits.connectMs,
  );

  socket.on('connect', () => {
    stage = 'greeting';
  });
  socket.on('secureConnect', () => {
    stage = 'open';
    clearTimeout(connecting);
    image.open();
  });
  socket.on('error', (error) => fail('link', linkError(options, { stage, error })));
  socket.on('close', () => fail('link', linkError(options, { stage })));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();

  function onBytes(count: number): 'continue' | 'pause' {
    counters.wireBytes += count;
    try {
      silence.took(count, () => reader.advance(count));
    } catch (error) {
      fail('source', error);
    }
    return throttle(count);
  }

  function send(frame: Buffer): void {
    if (stage !== 'open' || !socket.writable) return;
    counters.wireBytes += frame.length;
    socket.write(frame);
  }

  function onAbort(): void {
    failLink('cancelled', 'stopped on request');
  }

  function failLink(code: 'timeout' | 'cancelled', found: string): void {
    fail('link', new KgetError(code, `${attempted(options)}: ${found}`));
  }

  function fail(blame: PullBlame, error: unknown): void {
    end({ state: 'failed', blame, error: asKgetError(error) });
  }

  function end(outcome: PullOutcome): void {
    if (stage === 'ended') return;
    stage = 'ended';
    image.end();
    silence.stop();
    clearTimeout(connecting);
    clearInterval(heartbeat);
    signal.removeEventListener('abort', onAbort);
    if (outcome.state === 'arrived') socket.destroySoon();
    else socket.destroy();
    resolve(outcome);
  }
}

interface Throttled {
  readonly socket: TLSSocket;
  readonly silence: SenderWatch;
  readonly download: RateLimit;
}

/**
 * Keeps to a rate by not reading for a while. Some bytes still come after a pause: waits may
 * overlap.
 */
function throttled({
  socket,
  silence,
  download,
}: Throttled): (bytes: number) => 'continue' | 'pause' {
  let waits = 0;

  async function pauseFor(wait: Promise<void>): Promise<void> {
    waits += 1;
    silence.hold('held');
    await wait;
    waits -= 1;
    if (waits > 0) return;
    silence.hold('free');
    if (!socket.destroyed) socket.resume();
  }

  return (bytes) => {
    const wait = download.take(bytes);
    if (wait !== undefined) void pauseFor(wait);
    return waits === 0 ? 'continue' : 'pause';
  };
}

function asKgetError(error: unknown): KgetError {
  if (error instanceof KgetError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new KgetError('internal', text, { cause: error });
}
