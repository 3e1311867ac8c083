import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { KgetError } from '../base/error.ts';
import type { Launcher } from './channel.ts';

/**
 * How many agents are started at once if the user does not say; sshd and name servers have limits.
 */
export const DEFAULT_WINDOW = 64;

/** The window grows with every launch that ends, and this often meanwhile: hosts may be dead. */
const GROW_EVERY_MS = 100;

export interface WindowOptions {
  readonly clock: Clock;
  /**
   * Processors of this host: so many are started at once at first. Logging in takes one of them some
   * time, and if all nodes shared them, no agent would be up, and the link idle, until nearly all
   * are.
   */
  readonly processors: number;
  /** How many agents are started at once at most; `DEFAULT_WINDOW` if not given. */
  readonly window?: number;
}

/**
 * A launcher that starts a few agents at once, then more and more up to `window`; the others wait
 * for their turn in order.
 */
export function windowed<Out, In>(
  launcher: Launcher<Out, In>,
  options: WindowOptions,
): Launcher<Out, In> {
  const { clock, processors, window = DEFAULT_WINDOW } = options;
  assert(Number.isSafeInteger(window) && window > 0, 'the window is a positive whole number');
  const waiting = new Set<() => void>();
  let open = Math.min(window, processors);
  let started = 0;
  let growing = false;

  async function turn(node: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw cancelled(node);
    const entered = new Promise<void>((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        waiting.delete(enter);
        reject(cancelled(node));
      };
      waiting.add(enter);
      signal.addEventListener('abort', leave, { once: true });
    });
    admit();
    if (!growing) void grow();
    await entered;
  }

  function admit(): void {
    for (const enter of waiting) {
      if (started === open) return;
      waiting.delete(enter);
      started += 1;
      enter();
    }
  }

  function widen(): void {
    open = Math.min(window, open + 1);
    admit();
  }

  async function grow(): Promise<void> {
    growing = true;
    while (open < window && waiting.size > 0) {
      await clock.sleep(GROW_EVERY_MS);
      widen();
    }
    growing = false;
  }

  return {
    async launch(node, signal) {
      await turn(node, signal);
      try {
        return await launcher.launch(node, signal);
      } finally {
        started -= 1;
        widen();
      }
    },
  };
}

function cancelled(node: string): KgetError {
  return new KgetError('cancelled', `Stopped before starting the agent on ${node} on request`);
}
