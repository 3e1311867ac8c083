import type { Clock } from '../../base/clock.ts';
import { toFailure, type Failure } from '../../base/error.ts';
import type { Host } from '../hosts/hosts.ts';

export interface SwitchOptions {
  readonly job: string;
  /** Where the disk has come. */
  readonly node: string;
  hostOf(node: string): Host | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Whether no machine will be made any more that reads elsewhere. */
  isAllMade(): boolean;
  onSwitched(vm: string): void;
  /** It is tried again. */
  onFailed(failure: Failure): void;
}

/** Tries of one node, which may be those of a host agent that is lost and comes back. */
const MAX_FAILURES = 60;
const PAUSE_MS = 2000;
const LOOK_LIMIT_MS = 30_000;
/** A read may wait for a server that is gone, and a snapshot be under way. */
const SWITCH_LIMIT_MS = 10 * 60_000;

/**
 * Has all machines of a job on a node read their disk there, also those that are being made. Never
 * rejects: resolves with why it could not be done, if so.
 */
export async function switchVms(options: SwitchOptions): Promise<Failure | undefined> {
  const { clock, signal } = options;
  const done = new Set<string>();
  let failure: Failure | undefined;
  for (let failures = 0; failures < MAX_FAILURES && !signal.aborted;) {
    const isLast = options.isAllMade();
    failure = await switchOnce(done, options);
    if (failure === undefined && isLast) return undefined;
    if (failure !== undefined) {
      failures += 1;
      options.onFailed(failure);
    }
    await clock.sleep(PAUSE_MS, signal);
  }
  return failure;
}

async function switchOnce(
  done: Set<string>,
  { job, node, hostOf, signal, onSwitched }: SwitchOptions,
): Promise<Failure | undefined> {
  const host = hostOf(node);
  if (host === undefined) return { code: 'unreachable', message: 'no host agent there' };
  let failure: Failure | undefined;
  try {
    const { vms } = await host.caller.call('look', { job }, { limitMs: LOOK_LIMIT_MS, signal });
    // What comes by migration reads the disk here.
    const left = vms.filter(({ name, state }) => !done.has(name) && state !== 'incoming');
    await Promise.all(
      left.map(async ({ name }) => {
        try {
          const terms = { limitMs: SWITCH_LIMIT_MS, signal };
          await host.caller.call('switch-base', { vm: name }, terms);
          done.add(name);
          onSwitched(name);
        } catch (error) {
          failure = toFailure(error);
        }
      }),
    );
  } catch (error) {
    failure = toFailure(error);
  }
  return failure;
}
