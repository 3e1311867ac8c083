import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';

/** Lets one call at a time into a landing, and none after its end. */
export interface LandingTurns {
  /** @throws KgetError `cancelled` after `end` */
  confirmOpen(): void;
  /** Runs an action that leaves the landing open. @throws KgetError `cancelled` after `end` */
  run<T>(action: () => Promise<T>): Promise<T>;
  /** Runs the action that finishes the landing; it stays open if that fails. */
  finish<T>(action: () => Promise<T>): Promise<T>;
  /**
   * Ends the landing, unless it is finished: that is what it returns. Waits for the action that is
   * under way; one that leaves the landing open learns of the end by `confirmOpen`.
   */
  end(): Promise<'ended' | 'finished'>;
}

/** Turns for the landing of what `title` names in error messages. */
export function createLandingTurns(title: string): LandingTurns {
  let state: 'open' | 'finishing' | 'finished' | 'ended' = 'open';
  let busy: Promise<unknown> | undefined;

  function confirmOpen(): void {
    if (state === 'ended') {
      throw new KgetError('cancelled', `Cannot go on to store ${title}: stopped on request`);
    }
    assert(state === 'open', 'a landing was used after its end');
  }
  async function run<T>(action: () => Promise<T>): Promise<T> {
    confirmOpen();
    assert(busy === undefined, 'two calls to one landing at a time');
    const running = action();
    busy = running;
    try {
      return await running;
    } finally {
      busy = undefined;
    }
  }
  return {
    confirmOpen,
    run,
    finish: (action) =>
      run(async () => {
        state = 'finishing';
        try {
          const result = await action();
          state = 'finished';
          return result;
        } catch (error) {
          state = 'open';
          throw error;
        }
      }),
    async end() {
      if (state === 'open') state = 'ended';
      await busy?.catch(() => undefined);
      if (state === 'finished') return state;
      state = 'ended';
      return state;
    },
  };
}
