/** Notices when a peer has been silent for too long. */
export interface Watchdog {
  /** The peer was heard. */
  heard(): void;
  /** While held, silence is our own doing and does not count. */
  hold(held: 'held' | 'free'): void;
  stop(): void;
}

/**
 * Calls `onSilent` once when nothing was heard for `limitMs` (up to half of it longer). Two looks
 * must find silence: after our own process was held up (a slow disk), the first look comes before
 * the bytes that have long arrived.
 */
export function watchdog(limitMs: number, onSilent: () => void): Watchdog {
  let quietLooks = 0;
  let isHeld = false;
  const timer = setInterval(look, limitMs / 2);

  function look(): void {
    if (isHeld) return;
    quietLooks += 1;
    if (quietLooks <= 2) return;
    clearInterval(timer);
    onSilent();
  }

  return {
    heard: () => {
      quietLooks = 0;
    },
    hold: (held) => {
      isHeld = held === 'held';
      quietLooks = 0;
    },
    stop: () => clearInterval(timer),
  };
}
