/** A place at which one side waits until the other lets it through, or sends it away. */
export interface Gate {
  /** Waits at the gate. */
  readonly arrive: () => Promise<void>;
  /** Resolves when somebody waits there. */
  readonly arrived: Promise<void>;
  /** Aborted once it was decided. */
  readonly over: AbortSignal;
  open(): void;
  refuse(error: Error): void;
}

export function openGate(): Gate {
  const over = new AbortController();
  let isThere = noOp;
  let decide: (refusal?: Error) => void = noOp;
  const arrived = new Promise<void>((resolve) => {
    isThere = resolve;
  });
  const decided = new Promise<void>((resolve, reject) => {
    decide = (refusal) => (refusal === undefined ? resolve() : reject(refusal));
  });
  // Nobody may be there to be sent away.
  decided.catch(noOp);
  return {
    arrive() {
      isThere();
      return decided;
    },
    arrived,
    over: over.signal,
    open() {
      over.abort();
      decide();
    },
    refuse(error) {
      over.abort();
      decide(error);
    },
  };
}

function noOp(): void {}
