import { assert } from '../base/assert.ts';
import { createEventQueue, momentOf, type QueuedEvent } from './event-queue.ts';
import { enter, leave, mayBeFull, type Flow, type Resource } from './flow.ts';
import { shareAgain } from './sharing.ts';

/**
 * Flows in virtual time. At every moment each has its max-min fair rate over all of its resources:
 * none could get more without another, that has no more than it, getting less.
 */
export interface FlowEngine {
  readonly nowSeconds: number;
  /** Bytes start to move now over these resources, each named once. */
  start(resources: readonly Resource[], bytes: number): Flow;
  /** The flow is gone, complete or not. */
  end(flow: Flow): void;
  /**
   * The flow that is complete first if nothing starts or ends before, and when; among those of one
   * moment, the one that started first. It stays until it is ended.
   */
  nextCompletion(): Completion | undefined;
  /** Time goes on to `seconds`, which is not past; nothing must be complete before. */
  advance(seconds: number): void;
}

interface Completion {
  readonly flow: Flow;
  readonly seconds: number;
}

/**
 * An engine without flows, at time 0. A start or an end costs what the flows that it touches cost,
 * and is settled when the next completion is asked for: what happens at one moment is settled at
 * once.
 */
export function createFlowEngine(): FlowEngine {
  const completions = createEventQueue<Flow>();
  const events = new Map<Flow, QueuedEvent<Flow>>();
  const started = new Set<Flow>();
  const freed = new Set<Resource>();
  let leastEndedBytesPerSecond = Infinity;
  let nowSeconds = 0;

  function rate(flow: Flow, bytesPerSecond: number): void {
    if (flow.bytesPerSecond === bytesPerSecond) return;
    const moved = flow.bytesPerSecond * (nowSeconds - flow.ratedSeconds);
    flow.remainingBytes = Math.max(0, flow.remainingBytes - moved);
    flow.ratedSeconds = nowSeconds;
    flow.bytesPerSecond = bytesPerSecond;
    const event = events.get(flow);
    assert(event !== undefined, 'a flow that is shared for is under way');
    completions.move(event, nowSeconds + flow.remainingBytes / bytesPerSecond);
  }

  function settle(): void {
    if (started.size === 0 && freed.size === 0) return;
    shareAgain({ started, freed, leastEndedBytesPerSecond }, rate);
    started.clear();
    freed.clear();
    leastEndedBytesPerSecond = Infinity;
  }

  return {
    get nowSeconds(): number {
      return nowSeconds;
    },
    start(resources, bytes): Flow {
      const flow = enter(resources, { bytes, nowSeconds });
      started.add(flow);
      events.set(flow, completions.add(Infinity, flow));
      return flow;
    },
    end(flow): void {
      const event = events.get(flow);
      assert(event !== undefined, 'a flow ends once');
      completions.remove(event);
      events.delete(flow);
      const hadRate = !started.delete(flow);
      const shared = hadRate ? flow.resources.filter(mayBeFull) : [];
      for (const resource of shared) freed.add(resource);
      if (shared.length > 0) {
        leastEndedBytesPerSecond = Math.min(leastEndedBytesPerSecond, flow.bytesPerSecond);
      }
      leave(flow);
    },
    nextCompletion(): Completion | undefined {
      // What is complete by now is so whatever the new rates will be.
      const event = completions.first();
      if (event === undefined || event.moment > momentOf(nowSeconds)) settle();
      const first = completions.first();
      if (first === undefined) return undefined;
      return { flow: first.item, seconds: Math.max(nowSeconds, first.seconds) };
    },
    advance(seconds): void {
      assert(seconds >= nowSeconds, 'time does not go back');
      if (momentOf(seconds) > momentOf(nowSeconds)) settle();
      nowSeconds = seconds;
    },
  };
}
