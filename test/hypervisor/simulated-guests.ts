import { STATUS_PORT } from '../../src/guest/protocol.ts';
import type { GuestScript, GuestStep } from '../../src/hypervisor/simulated/guest.ts';

const QUIET: GuestScript = {
  bootMs: 2000,
  steps: [],
  shutdownMs: 500,
  hasAgent: true,
  diskBytesPerSecond: 0,
  memoryBytesPerSecond: 0,
};

/** Boots, and does nothing. */
export function idleGuest(more: Partial<GuestScript> = {}): GuestScript {
  return { ...QUIET, ...more };
}

export interface JobOptions {
  readonly bootMs?: number;
  readonly runMs: number;
  /** What becomes of the command. */
  readonly end:
    | { readonly kind: 'exit'; readonly status: number; readonly outputBytes?: number }
    /** The job runner cannot go on. */
    | { readonly kind: 'failed'; readonly reason: string }
    | { readonly kind: 'panic' }
    | { readonly kind: 'hang' };
}

/** Says what a job runner says, in its time. */
export function jobGuest({ bootMs = QUIET.bootMs ?? 0, runMs, end }: JobOptions): GuestScript {
  const begun = [say('ready', 0), say('started', 0)];
  switch (end.kind) {
    case 'exit': {
      const outputs = `outputs ${end.outputBytes ?? 0}`;
      const ended = [`exit ${end.status}`, outputs, 'done'].map((line) => say(line, runMs));
      return idleGuest({ bootMs, steps: [...begun, ...ended] });
    }
    case 'failed':
      return idleGuest({ bootMs, steps: [...begun, say(`failed ${end.reason}`, runMs)] });
    case 'panic':
      return idleGuest({ bootMs, steps: [...begun, { kind: 'panic', atMs: runMs }] });
    case 'hang':
      return idleGuest({ bootMs, steps: begun, shutdownMs: null, hasAgent: false });
    default:
      return end satisfies never;
  }
}

function say(line: string, atMs: number): GuestStep {
  return { kind: 'say', port: STATUS_PORT, line, atMs };
}
