import { KgetError, toFailure } from '../../base/error.ts';
import type { ResultOf } from '../../control/calls.ts';
import type { HostCalls, WantedVm } from '../../control/host-calls.ts';
import type { Host } from '../hosts/hosts.ts';
import { readLog } from './read-log.ts';

export interface Migration {
  readonly wanted: WantedVm;
  readonly source: Host;
  readonly target: Host;
  /** The disks of the machine lie on storage that both nodes share. */
  readonly sharedStorage: boolean;
  /** Given up after that; the machine runs on where it was. */
  readonly limitMs: number;
  readonly downtimeLimitMs: number;
  readonly bytesPerSecond: number | null;
  readonly signal: AbortSignal;
  /**
   * Called when the machine runs on the target, and before it is removed from the source: from then
   * on it must be looked for there.
   */
  onMoved(figures: MigrationFigures): void;
}

export type MigrationFigures = ResultOf<HostCalls, 'migrate'>;

/** Calls that only prepare or tidy. */
const STEP_LIMIT_MS = 60_000;
/** What the command has said is moved with its machine up to here: its beginning. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;

/**
 * Moves a running machine to another node, with its disks unless they are shared; files that it
 * starts from must be there already. If it throws, the machine runs on at its source, and nothing of
 * it is on the target. @throws KgetError `timeout` if it does not converge; what hosts throw
 */
export async function migrateVm(migration: Migration): Promise<MigrationFigures> {
  const { wanted, source, target } = migration;
  const vm = wanted.name;
  if (source.node === target.node) {
    throw new KgetError('usage', `Cannot migrate ${vm} to ${target.node}: it is there already`);
  }
  const step = { limitMs: STEP_LIMIT_MS };
  const figures = await moved(migration);
  try {
    const told = await historyOf(vm, source);
    await target.caller.call('finish-migration', { vm, ...told }, step);
  } catch (error) {
    // The source is stopped, and the machine is whole only on the target: it must not be abandoned.
    const found = toFailure(error).message;
    throw new KgetError(
      'internal',
      `Migrated ${vm} to ${target.node}, but it did not go on there: ${found}; its disks are there, ` +
        `and as they were before on ${source.node}`,
      { cause: error },
    );
  }
  migration.onMoved(figures);
  await source.caller.call('remove', { vm }, step);
  return figures;
}

/** Everything that can be undone: the machine is on the target, but nobody has let it run. */
async function moved(migration: Migration): Promise<MigrationFigures> {
  const { wanted, source, target, sharedStorage, limitMs, signal } = migration;
  const { address } = target;
  const { endpoint } = await target.caller.call(
    'prepare-migration',
    { wanted, address, sharedStorage, source: source.node },
    { limitMs: STEP_LIMIT_MS, signal },
  );
  try {
    const { downtimeLimitMs, bytesPerSecond } = migration;
    const request = { vm: wanted.name, target: target.node, endpoint, sharedStorage, limitMs };
    return await source.caller.call(
      'migrate',
      { ...request, downtimeLimitMs, bytesPerSecond },
      { limitMs: limitMs + STEP_LIMIT_MS, signal },
    );
  } catch (error) {
    const step = { limitMs: STEP_LIMIT_MS };
    await target.caller.call('abandon-migration', { vm: wanted.name }, step).catch(() => {});
    throw error;
  }
}

/** What the job runner and the command have said on the source. */
async function historyOf(
  vm: string,
  source: Host,
): Promise<{ readonly events: string[]; readonly log: string }> {
  const step = { limitMs: STEP_LIMIT_MS };
  const { vms } = await source.caller.call('look', { job: null }, step);
  const events = vms.find(({ name }) => name === vm)?.events ?? [];
  const whole = { source: 'command', offset: 0, maxBytes: MAX_LOG_BYTES } as const;
  const { text } = await readLog(vm, source, whole);
  return { events, log: text };
}
