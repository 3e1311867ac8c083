import type { NbdLimits } from './limits.ts';

/** Counts the requests of one connection that are being answered. */
export interface Flights {
  /** Waits until one more of `lengthBytes` fits, and counts it. One call at a time. */
  begin(lengthBytes: number): Promise<void>;
  end(lengthBytes: number): void;
  /** Resolves when none is left; no more may begin. */
  landed(): Promise<void>;
}

/** A request that is larger than all that is allowed begins when it is alone. */
export function countFlights(
  limits: Pick<NbdLimits, 'requestsInFlight' | 'bytesInFlight'>,
): Flights {
  let requests = 0;
  let bytes = 0;
  let wake: (() => void) | undefined;

  async function waitFor(isMet: () => boolean): Promise<void> {
    while (!isMet()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    begin: async (lengthBytes) => {
      await waitFor(
        () =>
          requests === 0 ||
          (requests < limits.requestsInFlight && bytes + lengthBytes <= limits.bytesInFlight),
      );
      requests += 1;
      bytes += lengthBytes;
    },
    end: (lengthBytes) => {
      requests -= 1;
      bytes -= lengthBytes;
      wake?.();
    },
    landed: () => waitFor(() => requests === 0),
  };
}
