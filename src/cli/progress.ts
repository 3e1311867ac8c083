import type { Clock } from '../base/clock.ts';
import { formatRate, formatSeconds, formatSize } from '../base/units.ts';
import type { RunFacts, TransferFacts } from '../coordinator/facts.ts';
import type { RunObserver } from '../coordinator/ports.ts';
import { FRONTEND } from '../planner/types.ts';
import { visible } from '../report/names.ts';

/** How often the status line on a terminal is redrawn. */
const REDRAW_INTERVAL_MS = 250;
/** The rate shown is that of the last few seconds. */
const RATE_WINDOW_MS = 4000;

export interface Progress extends Disposable {
  readonly observer: RunObserver;
}

export interface ProgressOptions {
  readonly stream: NodeJS.WriteStream;
  readonly clock: Clock;
  readonly startedMs: number;
  /** What the status line says; by default how a gather goes. */
  readonly status?: (facts: RunFacts) => string;
}

/** Tells on `stream` what happens: event lines, and on a terminal a status line below them. */
export function showProgress(options: ProgressOptions): Progress {
  const { stream, clock, startedMs, status = gatherStatus(clock) } = options;
  let facts: RunFacts | undefined;
  const timer = stream.isTTY ? setInterval(redraw, REDRAW_INTERVAL_MS) : undefined;

  function redraw(): void {
    if (facts === undefined) return;
    stream.write(`\r\u001B[K${status(facts).slice(0, (stream.columns ?? 80) - 1)}`);
  }

  function line(text: string): void {
    const elapsed = formatSeconds((clock.nowMs() - startedMs) / 1000);
    stream.write(
      `${timer === undefined ? '' : '\r\u001B[K'}${elapsed.padStart(8)}  ${visible(text)}\n`,
    );
    if (timer !== undefined) redraw();
  }

  return {
    observer: {
      begun: (begun) => {
        facts = begun;
      },
      nodeChanged: (node) => {
        if (node.state === 'released') line(`${node.name} released${share(facts)}`);
      },
      imageSafe: (image) => line(`${image.id} is safe (${formatSize(image.sizeBytes)})`),
      failed: ({ node, message }) => line(`${node ?? 'run'}: ${message}`),
      notice: (node, text) => line(`${node === FRONTEND ? 'frontend' : node}: ${text}`),
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      if (timer !== undefined) stream.write('\r\u001B[K');
    },
  };
}

function gatherStatus(clock: Clock): (facts: RunFacts) => string {
  const meter = createMeter(clock);
  return (facts) => statusLine(facts, meter.measure(frontendBytes(facts)));
}

/** Released nodes, the frontend's link and who fills it, relays, bytes saved, time left. */
function statusLine(facts: RunFacts, bytesPerSecond: number): string {
  const nodes = [...facts.nodes.values()];
  const starting = nodes.filter((node) => node.state === 'starting').length;
  const released = nodes.filter((node) => node.state === 'released').length;
  const moving = [...facts.transfers.values()].filter((transfer) => transfer.state === 'moving');
  const senders = moving.filter((transfer) => transfer.to === FRONTEND);
  const parts = [`${released}/${nodes.length} nodes released`];
  if (starting > 0) parts.push(`${starting} starting`);
  const from = senders.map((transfer) => transfer.from).join(', ');
  parts.push(`frontend ${formatRate(bytesPerSecond)}${from === '' ? '' : ` from ${from}`}`);
  const relays = moving.length - senders.length;
  if (relays > 0) parts.push(relays === 1 ? '1 relay' : `${relays} relays`);
  const saved = savedBytes(facts);
  if (saved > 0) parts.push(`${formatSize(saved)} saved`);
  const left = leftBytes(facts);
  if (bytesPerSecond > 0 && left > 0) parts.push(`${formatSeconds(left / bytesPerSecond)} left`);
  return parts.join(' · ');
}

function share(facts: RunFacts | undefined): string {
  if (facts === undefined) return '';
  const nodes = [...facts.nodes.values()];
  return ` (${nodes.filter((node) => node.state === 'released').length} of ${nodes.length})`;
}

function toFrontend(facts: RunFacts): TransferFacts[] {
  return [...facts.transfers.values()].filter((transfer) => transfer.to === FRONTEND);
}

function frontendBytes(facts: RunFacts): number {
  return toFrontend(facts).reduce((sum, transfer) => sum + transfer.wireBytes, 0);
}

/** Image bytes that are settled on the frontend without having crossed its link. */
function savedBytes(facts: RunFacts): number {
  return toFrontend(facts)
    .filter((transfer) => transfer.state !== 'failed')
    .reduce((sum, transfer) => sum + Math.max(0, transfer.doneBytes - transfer.wireBytes), 0);
}

/** Bytes that must still cross the frontend's link, scaled by what crossing has cost so far. */
function leftBytes(facts: RunFacts): number {
  const done = toFrontend(facts).reduce((sum, transfer) => sum + transfer.doneBytes, 0);
  const total = [...facts.images.values()].reduce((sum, image) => sum + image.sizeBytes, 0);
  return done === 0 ? total : (Math.max(0, total - done) * frontendBytes(facts)) / done;
}

/** Bytes per second over the last `RATE_WINDOW_MS`, from readings of a growing total. */
function createMeter(clock: Clock): { measure(totalBytes: number): number } {
  const readings: { ms: number; bytes: number }[] = [];
  return {
    measure(bytes) {
      const ms = clock.nowMs();
      readings.push({ ms, bytes });
      while (readings.length > 2 && ms - (readings[0]?.ms ?? ms) > RATE_WINDOW_MS) readings.shift();
      const first = readings[0];
      if (first === undefined || ms === first.ms) return 0;
      return Math.max(0, ((bytes - first.bytes) * 1000) / (ms - first.ms));
    },
  };
}
