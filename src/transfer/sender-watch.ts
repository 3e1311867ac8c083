import { ALIVE_WAITS, HEADER_BYTES } from './frame.ts';
import { watchdog, type Watchdog } from './watchdog.ts';

/** Watches over what comes from a sender: signs of life alone do not bring an image. */
export interface SenderWatch extends Pick<Watchdog, 'hold' | 'stop'> {
  /** So many bytes have come; `read` hands out the frames in them, some to `alive`. */
  took(count: number, read: () => void): void;
  /** An ALIVE frame with this position was among them. */
  alive(position: number): void;
  /** The sender was asked for something: its time begins anew. */
  asked(): void;
}

export interface SenderWatchOptions {
  readonly limitMs: number;
  /** Whether the sender has been asked for something that has not come. */
  isOwed(): boolean;
  /** Called once. `idle`: ALIVE frames came, and nothing else. */
  onStall(how: 'silent' | 'idle'): void;
}

/**
 * Calls `onStall` when for `limitMs` nothing came but ALIVE frames, though more was due and the
 * sender did not say that it waits; or when nothing came at all.
 */
export function senderWatch({ limitMs, isOwed, onStall }: SenderWatchOptions): SenderWatch {
  /** Without whole ALIVE frames. A part of one counts until the rest has come: so does the most. */
  let bytes = 0;
  let mostBytes = 0;
  let isAlive = false;
  const silence = watchdog(limitMs, () => onStall(isAlive ? 'idle' : 'silent'));

  function progressed(): void {
    isAlive = false;
    silence.heard();
  }

  return {
    took(count, read) {
      bytes += count;
      read();
      if (bytes <= mostBytes) return;
      mostBytes = bytes;
      progressed();
    },
    alive(position) {
      bytes -= HEADER_BYTES;
      isAlive = true;
      if (position === ALIVE_WAITS || !isOwed()) silence.heard();
    },
    asked: progressed,
    hold: (held) => silence.hold(held),
    stop: () => silence.stop(),
  };
}
