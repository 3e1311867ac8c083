import type { AgentMessage } from '../control/messages.ts';
import type { Holding, VisitorChannel, VisitorMessage } from './attach-point.ts';

/** A visit to the agent that holds a spool, which has said who it is. */
export interface Meeting {
  readonly holding: Holding;
  /** Aborted when the visit is over, whoever ended it. */
  readonly over: AbortSignal;
  tell(message: VisitorMessage): void;
  /** Sets who hears what the other agent says from now on; until then nobody does. */
  onAnswer(listener: (message: AgentMessage) => void): void;
  /** Ends the visit when all that was told has gone out. Idempotent. */
  close(): void;
}

/**
 * Waits until the agent at the other end of `channel` has said who it is. Undefined if it ends the
 * visit before, says something else first, or `signal` is aborted: then the visit is over.
 */
export function meet(channel: VisitorChannel, signal: AbortSignal): Promise<Meeting | undefined> {
  const over = new AbortController();
  let answer: ((message: AgentMessage) => void) | undefined;
  const close = (): void => channel.close();
  return new Promise((resolve) => {
    signal.addEventListener('abort', giveUp, { once: true });
    channel.onEnd(() => {
      over.abort();
      giveUp();
    });
    channel.onMessage((message) => {
      if (message.type === 'holding') {
        signal.removeEventListener('abort', giveUp);
        resolve({
          holding: message,
          over: over.signal,
          tell: (order) => channel.send(order),
          onAnswer: (listener) => (answer = listener),
          close,
        });
      } else answer?.(message);
    });
    if (signal.aborted) giveUp();

    function giveUp(): void {
      signal.removeEventListener('abort', giveUp);
      // Too late if there is a meeting: its own side ends it.
      resolve(undefined);
      if (!over.signal.aborted) close();
    }
  });
}
