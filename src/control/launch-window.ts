import { assert } from '../base/assert.ts';
import { KgetError } from '../base/error.ts';
import type { AgentLauncher } from './channel.ts';

/**
 * How many agents are started at once if the user does not say; sshd and name servers have limits.
 */
export const DEFAULT_WINDOW = 64;

/**
 * A launcher that starts at most `window` agents at once; the others wait for their turn in order.
 */
export function windowed(launcher: AgentLauncher, window = DEFAULT_WINDOW): AgentLauncher {
  assert(Number.isSafeInteger(window) && window > 0, 'the window is a positive whole number');
  const waiting = new Set<() => void>();
  let free = window;

  async function turn(node: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw cancelled(node);
    if (free > 0) {
      free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
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
  }

  function passOn(): void {
    const [next] = waiting;
    if (next === undefined) {
      free += 1;
      return;
    }
    waiting.delete(next);
    next();
  }

  return {
    async launch(node, signal) {
      await turn(node, signal);
      try {
        return await launcher.launch(node, signal);
      } finally {
        passOn();
      }
    },
  };
}

function cancelled(node: string): KgetError {
  return new KgetError('cancelled', `Stopped before starting the agent on ${node} on request`);
}
