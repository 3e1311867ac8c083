import { open, stat } from 'node:fs/promises';
import * as z from 'zod/mini';
import { KgetError } from '../../base/error.ts';
import type { Clock } from '../../base/clock.ts';
import { untilAnswered } from './condition.ts';
import type { Machine } from './machine.ts';
import type { Qmp } from './qmp.ts';

/** For memory on its way to or from a disk. */
const MEMORY_LIMIT_MS = 3_600_000;
const CANCEL_LIMIT_MS = 30_000;
/** QEMU's own default is 128 MiB/s. */
export const UNLIMITED_BYTES_PER_SECOND = 2 ** 40;

const migration = z.object({
  status: z.optional(z.string()),
  'error-desc': z.optional(z.string()),
  'total-time': z.optional(z.number()),
  downtime: z.optional(z.number()),
  ram: z.optional(z.object({ transferred: z.number() })),
  'socket-address': z.optional(
    z.array(z.object({ type: z.string(), port: z.optional(z.string()) })),
  ),
});

export type MigrationStatus = z.infer<typeof migration>;

export async function queryMigration(qmp: Qmp): Promise<MigrationStatus> {
  return migration.parse(await qmp.execute('query-migrate'));
}

/** Everything that this driver sets, so that no earlier setting is left. */
export async function setCapabilities(
  qmp: Qmp,
  { pauseBeforeSwitchover }: { pauseBeforeSwitchover: boolean },
): Promise<void> {
  const capabilities = [
    { capability: 'events', state: true },
    { capability: 'pause-before-switchover', state: pauseBeforeSwitchover },
    // The source is told whether the target could load everything, before it gives up the machine.
    { capability: 'return-path', state: pauseBeforeSwitchover },
  ];
  await qmp.execute('migrate-set-capabilities', { capabilities });
}

export interface MigrationTerms {
  readonly clock: Clock;
  readonly limitMs: number;
  readonly what: string;
  readonly signal?: AbortSignal;
}

/** Waits until a migration has one of these states. @throws KgetError `internal` if it has failed */
export async function awaitMigration(
  qmp: Qmp,
  wanted: readonly string[],
  terms: MigrationTerms,
): Promise<MigrationStatus> {
  const ask = async (): Promise<MigrationStatus | undefined> => {
    const found = await queryMigration(qmp);
    if (found.status !== undefined && wanted.includes(found.status)) return found;
    if (found.status !== 'failed' && found.status !== 'cancelled') return undefined;
    const why = found['error-desc'] ?? `its memory was not moved (${found.status})`;
    throw new KgetError('internal', `Cannot ${terms.what}: ${why}`);
  };
  return untilAnswered(qmp, ask, terms);
}

/** Ends a migration that has not come to its end; the machine is ours again. */
export async function cancelMigration(qmp: Qmp, clock: Clock): Promise<void> {
  const { status } = await queryMigration(qmp);
  if (status === undefined || ['none', 'failed', 'cancelled', 'completed'].includes(status)) return;
  await qmp.execute('migrate_cancel');
  const ask = async (): Promise<true | undefined> => {
    const found = (await queryMigration(qmp)).status ?? 'none';
    return ['none', 'failed', 'cancelled', 'completed'].includes(found) ? true : undefined;
  };
  await untilAnswered(qmp, ask, { clock, limitMs: CANCEL_LIMIT_MS, what: 'a migration to end' });
}

/**
 * Writes memory and devices of a machine that stands still to a file, and syncs it; its size.
 * @throws KgetError `no-room`, `internal`, `timeout`; the machine still stands still then
 */
export async function saveMemory(qmp: Qmp, machine: Machine, path: string): Promise<number> {
  const { clock } = machine.host;
  const what = `save the memory of ${machine.title} to ${path}`;
  try {
    await setCapabilities(qmp, { pauseBeforeSwitchover: false });
    await qmp.execute('migrate-set-parameters', { 'max-bandwidth': UNLIMITED_BYTES_PER_SECOND });
    // QEMU 7.2 has no way to write into a file by itself.
    await qmp.execute('migrate', { uri: `exec:exec cat > ${shellQuoted(path)}` });
    await awaitMigration(qmp, ['completed'], { clock, limitMs: MEMORY_LIMIT_MS, what });
  } catch (error) {
    if (!qmp.ended.aborted) await cancelMigration(qmp, clock);
    throw error;
  }
  await using file = await open(path, 'r');
  await file.sync();
  return (await file.stat()).size;
}

/** Reads memory into a machine that waits for it. @throws KgetError `corrupt` if it does not fit */
export async function loadMemory(qmp: Qmp, machine: Machine, path: string): Promise<void> {
  const { clock } = machine.host;
  const what = `load the memory of ${machine.title} from ${path}`;
  await stat(path);
  await setCapabilities(qmp, { pauseBeforeSwitchover: false });
  try {
    await qmp.execute('migrate-incoming', { uri: `exec:exec cat ${shellQuoted(path)}` });
    await awaitMigration(qmp, ['completed'], { clock, limitMs: MEMORY_LIMIT_MS, what });
  } catch (cause) {
    if (cause instanceof KgetError && cause.code === 'timeout') throw cause;
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new KgetError('corrupt', `Cannot ${what}: ${found}`, { cause });
  }
}

/** QEMU hands the command to a shell. */
function shellQuoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
