/** Work on machines, by name: for each machine one after the other. */
export interface Turns {
  inTurn<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
  /** Copying that goes on after the turn that began it: others need not wait for it. */
  alsoCopying(name: string, work: Promise<unknown>): void;
  /** For work that cannot be done meanwhile. */
  untilCopied(name: string): Promise<void>;
}

export function turns(): Turns {
  const taken = new Map<string, Promise<unknown>>();
  const copying = new Map<string, Promise<unknown>>();
  return {
    async inTurn(name, work) {
      const turn = (taken.get(name) ?? Promise.resolve()).then(work);
      keepUntilSettled(taken, name, turn);
      return turn;
    },
    alsoCopying(name, work) {
      keepUntilSettled(copying, name, work);
    },
    async untilCopied(name) {
      await copying.get(name);
    },
  };
}

/** What it comes to is for others. */
function keepUntilSettled(
  kept: Map<string, Promise<unknown>>,
  name: string,
  work: Promise<unknown>,
): void {
  const settled = Promise.allSettled([work]).finally(() => {
    if (kept.get(name) === settled) kept.delete(name);
  });
  kept.set(name, settled);
}
