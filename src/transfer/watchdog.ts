/** Notices when a peer has been silent for too long. */
export interface Watchdog {
  /** The peer was heard. */
  heard(): void;
  /** While held, silence is our own doing and does not count. */
  hold(held: 'held' | 'free'): void;
  stop(): void;
}

/**
 * So many looks in a row must find silence, spread over the limit. After our own process was held
 * up, by a slow disk, say, only one look comes before the bytes that have long arrived.
 */
const LOOKS = 16;

/** Calls `onSilent` once, when nothing was heard for 15/16 of `limitMs` at least, and all at most. */
export function watchdog(limitMs: number, onSilent: () => void): Watchdog {
  let quietLooks = 0;
  let isHeld = false;
  const timer = setInterval(look, limitMs / LOOKS);

  function look(): void {
    if (isHeld) return;
    quietLooks += 1;
    if (quietLooks < LOOKS) return;
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
