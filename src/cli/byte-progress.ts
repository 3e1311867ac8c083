import type { Clock } from '../base/clock.ts';
import { formatSeconds, formatSize } from '../base/units.ts';

/** How often the line on a terminal is redrawn. */
const REDRAW_INTERVAL_MS = 250;

/** What of a stream is needed to show how work goes. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Tells how work on some bytes goes: one line on a terminal, else a line when it begins. */
export interface ByteProgress {
  /** Work on `sizeBytes` of what `title` names begins. */
  begin(title: string, sizeBytes: number): void;
  /** So much of it is done. */
  done(bytes: number): void;
  /** Clears the line. */
  end(): void;
}

export function byteProgress(stream: ProgressStream, clock: Clock): ByteProgress {
  const terminal = stream.isTTY === true;
  let work = { title: '', sizeBytes: 0, startedMs: 0 };
  let drawnMs = Number.NEGATIVE_INFINITY;
  return {
    begin(title, sizeBytes) {
      work = { title, sizeBytes, startedMs: clock.nowMs() };
      drawnMs = Number.NEGATIVE_INFINITY;
      if (!terminal) stream.write(`${title} (${formatSize(sizeBytes)})\n`);
    },
    done(bytes) {
      const nowMs = clock.nowMs();
      if (!terminal || nowMs - drawnMs < REDRAW_INTERVAL_MS) return;
      drawnMs = nowMs;
      const line = progressLine(work, bytes, (nowMs - work.startedMs) / 1000);
      stream.write(`\r\u001B[K${line.slice(0, (stream.columns ?? 80) - 1)}`);
    },
    end() {
      if (terminal) stream.write('\r\u001B[K');
    },
  };
}

function progressLine(
  { title, sizeBytes }: { readonly title: string; readonly sizeBytes: number },
  bytes: number,
  seconds: number,
): string {
  const rate = seconds > 0 ? bytes / seconds : 0;
  const parts = [`${formatSize(bytes)} of ${formatSize(sizeBytes)}`, `${formatSize(rate)}/s`];
  if (rate > 0) parts.push(`${formatSeconds((sizeBytes - bytes) / rate)} left`);
  return `${parts.join(' · ')} · ${title}`;
}
