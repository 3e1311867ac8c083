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
  /** Whether the job waits only for this. */
  isEnding(): boolean;
  onSwitched(vm: string): void;
  /** It is tried again. */
  onFailed(failure: Failure): void;
}

/** How long it is tried: a snapshot may be under way, or a host agent be lost and come back. */
const TRY_FOR_MS = 24 * 3600_000;
/** Tries once the job waits for it. */
const MAX_LAST_FAILURES = 60;
const PAUSE_MS = 2000;
const LOOK_LIMIT_MS = 30_000;
/** Other calls for the machine may come first, and a read may wait for a server that is gone. */
const SWITCH_LIMIT_MS = 10 * 60_000;

/**
 * Has all machines of a job on a node read their disk there, also those that are being made. Never
 * rejects: resolves with why it could not be done, if so.
 */
export async function switchVms(options: SwitchOptions): Promise<Failure | undefined> {
  const { clock, signal } = options;
  const done = new Set<string>();
  const startMs = clock.nowMs();
  let failure: Failure | undefined;
  let lastFailures = 0;
  while (clock.nowMs() - startMs < TRY_FOR_MS && lastFailures < MAX_LAST_FAILURES) {
    if (signal.aborted) return failure;
    const isLast = options.isAllMade();
    // One of the same name may have been made since.
    if (isLast) done.clear();
    failure = await switchOnce(done, options);
    if (failure === undefined && isLast) return undefined;
    if (failure !== undefined && !signal.aborted) {
      options.onFailed(failure);
      if (options.isEnding()) lastFailures += 1;
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
