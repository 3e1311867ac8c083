import type { TLSSocket } from 'node:tls';
import type { RateLimit } from './transfer.ts';
import type { Watchdog } from './watchdog.ts';

/**
 * While a frame comes in over a link that is slow for a processor, every packet would wake the
 * process for a few hundred bytes. So it rests for this part of the time that the rest of the frame
 * takes at the rate of late, if that is worth it, and not for too long: the kernel must have room.
 */
const REST_SHARE = 0.8;
const REST_MIN_MS = 2;
const REST_MAX_MS = 20;

export interface ReadPausesOptions {
  /** Reads into a buffer of ours (`onread`), so that a pause stops it at once. */
  readonly socket: TLSSocket;
  readonly silence: Watchdog;
  readonly download: RateLimit;
  /** Bytes that are missing of the frame that has begun. */
  readonly missingBytes: () => number;
  readonly nowMs: () => number;
}

/** Stops reading for a while, where a rate limit wants it or nothing is lost by it. */
export interface ReadPauses {
  /** Says after a read whether to go on reading. Some bytes still come after a pause. */
  after(bytes: number): 'continue' | 'pause';
}

export function readPauses(options: ReadPausesOptions): ReadPauses {
  const { socket, silence, download, missingBytes, nowMs } = options;
  let waits = 0;
  /** Since the last rest, or the last look for one. */
  let sinceMs = nowMs();
  let bytesSince = 0;
  let isLooking = false;

  async function keepTo(limit: Promise<void>): Promise<void> {
    waits += 1;
    silence.hold('held');
    await limit;
    silence.hold('free');
    endWait();
  }

  /** When all that lay in the kernel has been read. */
  function look(): void {
    isLooking = false;
    const restMs = restFor({ bytes: bytesSince, durationMs: nowMs() - sinceMs }, missingBytes());
    sinceMs = nowMs();
    bytesSince = 0;
    if (restMs < REST_MIN_MS || waits > 0 || socket.destroyed) return;
    waits += 1;
    socket.pause();
    setTimeout(endWait, restMs);
  }

  function endWait(): void {
    waits -= 1;
    if (waits === 0 && !socket.destroyed) socket.resume();
  }

  return {
    after(bytes) {
      bytesSince += bytes;
      const limit = download.take(bytes);
      if (limit !== undefined) void keepTo(limit);
      if (!isLooking) {
        isLooking = true;
        setImmediate(look);
      }
      return waits === 0 ? 'continue' : 'pause';
    },
  };
}

function restFor(read: { bytes: number; durationMs: number }, missingBytes: number): number {
  const ratePerMs = read.bytes / Math.max(read.durationMs, 0.01);
  return Math.min(REST_MAX_MS, (REST_SHARE * missingBytes) / ratePerMs);
}
