/** Bytes of buffers that work under way may hold, together (but always one piece of work), ... */
const MAX_BYTES = 64 * 1024 * 1024;
/** ... and how many pieces there may be: more than the thread pool can be busy with. */
const MAX_PIECES = 16;

/** Pieces of work that run at once, as many as memory lets them. One caller at a time. */
export interface Flight {
  /**
   * Starts `work`, which holds about `bytes` of memory, as soon as there is room for it, and
   * resolves then. @throws Error the first one of all work before
   */
  launch(bytes: number, work: () => Promise<void>): Promise<void>;
  /** Resolves when all work has ended. @throws Error the first one of it */
  land(): Promise<void>;
  /** Resolves when all work has ended, however it did. */
  settle(): Promise<void>;
}

export function createFlight(limits = { bytes: MAX_BYTES, pieces: MAX_PIECES }): Flight {
  const underWay = { bytes: 0, pieces: 0 };
  let failure: { readonly cause: unknown } | undefined;
  let wake: (() => void) | undefined;

  async function changed(): Promise<void> {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  function isFull(moreBytes: number): boolean {
    return underWay.pieces >= limits.pieces || underWay.bytes + moreBytes > limits.bytes;
  }
  function rethrow(): void {
    if (failure !== undefined) throw failure.cause;
  }
  async function run(bytes: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      failure ??= { cause };
    } finally {
      underWay.bytes -= bytes;
      underWay.pieces -= 1;
      wake?.();
      wake = undefined;
    }
  }
  async function settle(): Promise<void> {
    while (underWay.pieces > 0) await changed();
  }
  return {
    async launch(bytes, work) {
      while (underWay.pieces > 0 && isFull(bytes)) await changed();
      rethrow();
      underWay.bytes += bytes;
      underWay.pieces += 1;
      void run(bytes, work);
    },
    async land() {
      await settle();
      rethrow();
    },
    settle,
  };
}
