import type { Failure } from '../base/error.ts';

type EndListener = (failure?: Failure) => void;

/** Tells a listener of an end exactly once, whichever comes first: the end or the listener. */
export interface EndReport {
  readonly ended: boolean;
  readonly end: EndListener;
  readonly listen: (listener: EndListener) => void;
}

export function endReport(): EndReport {
  let ending: { failure?: Failure } | undefined;
  let listener: EndListener | undefined;

  function report(): void {
    if (ending === undefined || listener === undefined) return;
    const [tell, { failure }] = [listener, ending];
    queueMicrotask(() => tell(failure));
  }

  return {
    get ended() {
      return ending !== undefined;
    },
    end(failure) {
      if (ending !== undefined) return;
      ending = failure === undefined ? {} : { failure };
      report();
    },
    listen(newListener) {
      if (listener !== undefined) return;
      listener = newListener;
      report();
    },
  };
}
