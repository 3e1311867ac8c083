import type { JobPorts } from './ports.ts';

/** How often the wish to cancel is looked for. */
const LOOK_MS = 500;

/**
 * Does something that may take long, with a signal that is aborted by Ctrl-C and when somebody wants
 * the job cancelled; what is thrown after that is not of interest.
 */
export async function untilCancelled(
  ports: Pick<JobPorts, 'clock' | 'signal' | 'isCancelled'>,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const done = new AbortController();
  const cancelled = new AbortController();
  const signal = AbortSignal.any([ports.signal, cancelled.signal]);
  const look = async (): Promise<void> => {
    while (!done.signal.aborted && !signal.aborted) {
      if (ports.isCancelled()) cancelled.abort();
      else await ports.clock.sleep(LOOK_MS, AbortSignal.any([done.signal, ports.signal]));
    }
  };
  const looking = look();
  try {
    await work(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    done.abort();
    await looking;
  }
}
