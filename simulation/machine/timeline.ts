import { setImmediate as turnOfEventLoop } from 'node:timers';
import { createEventQueue, type QueuedEvent } from '../../src/simulator/event-queue.ts';

/** Virtual time: what is to happen, soonest first. Nothing here takes real time. */
export interface Timeline {
  nowMs(): number;
  /** Has `action` happen in `delayMs`; returns how to call it off. */
  after(delayMs: number, action: () => void): () => void;
  /**
   * Lets things happen until `isOver` says so: `over`; until nothing is left that could happen:
   * `stuck`; or until `limitMs` have passed: `late`. Between two events all promises that can be
   * settled are.
   */
  run(isOver: () => boolean, limitMs: number): Promise<'over' | 'stuck' | 'late'>;
}

export function createTimeline(): Timeline {
  const queue = createEventQueue<() => void>();
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    after(delayMs, action) {
      const event: QueuedEvent<() => void> = queue.add(
        (nowMs + Math.max(0, delayMs)) / 1000,
        action,
      );
      return () => {
        if (event.place >= 0) queue.remove(event);
      };
    },
    async run(isOver, limitMs) {
      const endMs = nowMs + limitMs;
      for (;;) {
        await new Promise<void>((resolve) => {
          turnOfEventLoop(resolve);
        });
        if (isOver()) return 'over';
        const event = queue.first();
        if (event === undefined) return 'stuck';
        if (event.seconds * 1000 > endMs) return 'late';
        queue.remove(event);
        nowMs = Math.max(nowMs, event.seconds * 1000);
        event.item();
      }
    },
  };
}
