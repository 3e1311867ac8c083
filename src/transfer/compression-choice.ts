/**
 * Decides whether compressing pays. It does while the link, not a processor, holds the stream up:
 * then the sender has time to spare, and fewer bytes are a gain. The figures come from the stream
 * itself, one window of time after the other. Pure: times are arguments.
 */

/** Shortest window that is judged. */
const WINDOW_MS = 100;
/**
 * Compression in bytes per millisecond (150 MB/s) until it has been measured; zstd level 1, one
 * core.
 */
const FIRST_COMPRESSION_RATE = 150_000;
/** The link is the bottleneck if we waited for it in this share of the window, ... */
const WAITED_SHARE = 0.3;
/** ... and compression is worth trying if it is faster than the link by this factor. */
const HEADROOM = 0.8;
/** Below this share the link does not hold us up. */
const BUSY_SHARE = 0.1;
/**
 * Windows in a row in which compression held the stream up, before the bare link is measured again.
 */
const WINDOWS_TO_PROBE = 20;
/** After a chunk that did not shrink, 1, 2, 4, ... chunks go without a try, at most this many. */
const MAX_SKIPPED_CHUNKS = 64;
/** What compression has to save. */
const WORTHWHILE_SHARE = 0.95;

/** What happened in a window, in bytes and milliseconds. */
interface Window {
  startMs: number;
  waitedMs: number;
  wireBytes: number;
  plainBytes: number;
}

export interface CompressionChoice {
  /** Whether compressing pays at the moment. */
  isOn(): boolean;
  /** Whether the next chunk is to be compressed. */
  wanted(): boolean;
  /** A chunk was compressed in `tookMs`. @returns whether it shrank enough to be sent that way */
  tried(chunk: { plainBytes: number; packedBytes: number; tookMs: number }): boolean;
  /** The sender had to wait for the link or for its rate limit. */
  waited(durationMs: number): void;
  /** Frames were handed to the link. */
  sent(block: { nowMs: number; wireBytes: number; plainBytes: number }): void;
}

export function compressionChoice(startMs: number): CompressionChoice {
  let window = newWindow(startMs);
  let isOn = false;
  let rawRate = 0;
  let compressionRate = FIRST_COMPRESSION_RATE;
  let busyWindows = 0;
  let chunksToSkip = 0;
  let nextSkip = 1;

  function judge(nowMs: number): void {
    const elapsedMs = nowMs - window.startMs;
    const waitedShare = window.waitedMs / elapsedMs;
    if (isOn) {
      busyWindows = waitedShare < BUSY_SHARE ? busyWindows + 1 : 0;
      const isSlower = window.plainBytes / elapsedMs < rawRate;
      if (busyWindows >= WINDOWS_TO_PROBE || (busyWindows > 0 && isSlower)) isOn = false;
    } else {
      rawRate = window.wireBytes / elapsedMs;
      isOn = waitedShare > WAITED_SHARE && rawRate < HEADROOM * compressionRate;
      busyWindows = 0;
    }
    window = newWindow(nowMs);
  }

  return {
    isOn: () => isOn,
    wanted: () => {
      if (!isOn) return false;
      if (chunksToSkip === 0) return true;
      chunksToSkip -= 1;
      return false;
    },
    tried: ({ plainBytes, packedBytes, tookMs }) => {
      if (tookMs > 0) compressionRate += (plainBytes / tookMs - compressionRate) / 8;
      const isWorthwhile = packedBytes < plainBytes * WORTHWHILE_SHARE;
      chunksToSkip = isWorthwhile ? 0 : nextSkip;
      nextSkip = isWorthwhile ? 1 : Math.min(2 * nextSkip, MAX_SKIPPED_CHUNKS);
      return isWorthwhile;
    },
    waited: (durationMs) => {
      window.waitedMs += durationMs;
    },
    sent: ({ nowMs, wireBytes, plainBytes }) => {
      window.wireBytes += wireBytes;
      window.plainBytes += plainBytes;
      if (nowMs - window.startMs >= WINDOW_MS) judge(nowMs);
    },
  };
}

function newWindow(startMs: number): Window {
  return { startMs, waitedMs: 0, wireBytes: 0, plainBytes: 0 };
}
