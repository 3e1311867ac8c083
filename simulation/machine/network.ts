import type { Dice } from '../../fuzz/dice.ts';
import type { Host } from './process.ts';
import type { Timeline } from './timeline.ts';

/** Where and when bytes get through between the hosts of a simulation. */
export interface Network {
  /** Whether packets between two hosts arrive now. */
  isOpen(from: Host, to: Host): boolean;
  /** Cuts a host off from all others, or joins it again. */
  isolate(host: Host, isIsolated: boolean): void;
  /** A host went down or came up. */
  changed(): void;
  /** Calls back when packets from one host reach another one again; at once if they do now. */
  whenOpen(from: Host, to: Host, action: () => void): void;
  /** How long `bytes` take from one host to another, if they leave now; what leaves later waits. */
  transitMs(from: Host, to: Host, bytes: number): number;
  /** Makes a host's link so many times slower. */
  slowDown(host: Host, times: number): void;
  latencyMs(): number;
}

const BYTES_PER_MS = 2000;
const LEAST_LATENCY_MS = 0.1;
const MOST_LATENCY_MS = 2;

export function createNetwork(timeline: Timeline, dice: Dice): Network {
  const isolated = new Set<Host>();
  const slowness = new Map<Host, number>();
  /** When a host's link has sent all that it was given. */
  const busyUntilMs = new Map<Host, number>();
  let waiting: { from: Host; to: Host; action: () => void }[] = [];

  function isOpen(from: Host, to: Host): boolean {
    if (from === to) return true;
    return !isolated.has(from) && !isolated.has(to) && !to.isDown && !from.isDown;
  }
  function latencyMs(): number {
    return LEAST_LATENCY_MS + (dice.below(1000) / 1000) * (MOST_LATENCY_MS - LEAST_LATENCY_MS);
  }
  function changed(): void {
    const ready = waiting.filter(({ from, to }) => isOpen(from, to));
    waiting = waiting.filter(({ from, to }) => !isOpen(from, to));
    for (const { action } of ready) timeline.after(0, action);
  }
  return {
    isOpen,
    changed,
    isolate(host, isIsolated) {
      if (isIsolated) isolated.add(host);
      else isolated.delete(host);
      changed();
    },
    whenOpen(from, to, action) {
      if (isOpen(from, to)) action();
      else waiting.push({ from, to, action });
    },
    transitMs(from, to, bytes) {
      const nowMs = timeline.nowMs();
      const slow = Math.max(slowness.get(from) ?? 1, slowness.get(to) ?? 1);
      const startMs = Math.max(nowMs, busyUntilMs.get(from) ?? 0);
      const sentMs = startMs + (bytes * slow) / BYTES_PER_MS;
      busyUntilMs.set(from, sentMs);
      return sentMs - nowMs + latencyMs();
    },
    slowDown(host, times) {
      slowness.set(host, times);
    },
    latencyMs,
  };
}
