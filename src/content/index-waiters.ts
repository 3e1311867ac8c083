import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';

/** Waits that one index bears at once: a few for every receiver that pulls the image. */
const MAX_INDEX_WAITERS = 1024;

/** Those who wait for digests of one index. */
export interface IndexWaiters {
  /**
   * Resolves at the first `wake` beyond `position`. @throws KgetError `cancelled`, or as of `fail`
   */
  wait(position: number, signal: AbortSignal): Promise<void>;
  /** Digests are known up to `known`. */
  wake(known: number): void;
  /** Lets all go with `failure`; the first one stays. */
  fail(failure: KgetError): void;
}

interface Waiter {
  readonly position: number;
  resolve(): void;
  reject(failure: KgetError): void;
}

/** Waiters for the index in the file at `path`. */
export function createIndexWaiters(path: string): IndexWaiters {
  const waiters = new Set<Waiter>();
  let failure: KgetError | undefined;
  return {
    async wait(position, signal) {
      if (failure !== undefined) throw failure;
      if (signal.aborted) throw waitCancelled(path);
      assert(waiters.size < MAX_INDEX_WAITERS, 'too many wait for one index');
      let onAbort: (() => void) | undefined;
      let waiter: Waiter | undefined;
      try {
        await new Promise<void>((resolve, reject) => {
          waiter = { position, resolve, reject };
          waiters.add(waiter);
          onAbort = () => reject(waitCancelled(path));
          signal.addEventListener('abort', onAbort);
        });
      } finally {
        if (waiter !== undefined) waiters.delete(waiter);
        if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
      }
    },
    wake(known) {
      for (const waiter of waiters) {
        if (waiter.position < known) waiter.resolve();
      }
    },
    fail(reason) {
      failure ??= reason;
      for (const waiter of waiters) waiter.reject(failure);
    },
  };
}

/** What a wait that was stopped throws. */
export function waitCancelled(path: string): KgetError {
  return new KgetError('cancelled', `Cannot wait for more of index ${path}: stopped on request`);
}
