import { existsSync, readFileSync, rmSync } from 'node:fs';
import * as z from 'zod/mini';
import { replaceFile } from '../../content/durable.ts';
import { stopMachine } from './ending.ts';
import { clearJobs } from './jobs.ts';
import type { Machine } from './machine.ts';
import { cancelMigration } from './memory.ts';
import { MOVE_PREFIX } from './migration-disks.ts';
import { dropIdentity } from './migration-identity.ts';
import { processOf } from './process.ts';
import type { Qmp } from './qmp.ts';
import { askStatus } from './states.ts';

/** QEMU's words for a machine that stands still because its memory is on its way, or has gone. */
const STILL_FOR_MIGRATION = new Set(['finish-migrate', 'postmigrate']);

const markFields = z.object({ pid: z.number() });

/** Notes that this process moves the machine away, before it begins. */
export async function markMoving({ places }: Machine): Promise<void> {
  await replaceFile(places.moving, `${JSON.stringify({ pid: process.pid })}\n`);
}

/**
 * Nothing came of a migration: the guest goes on here, as if nothing had been. That may be done as
 * long as it is not noted that it has moved: until then nobody was told to let it run elsewhere.
 */
export async function undoMigration(qmp: Qmp, machine: Machine): Promise<void> {
  await cancelMigration(qmp, machine.host.clock);
  await clearJobs(qmp, MOVE_PREFIX, machine.host.clock);
  await dropIdentity(qmp);
  if (STILL_FOR_MIGRATION.has(await askStatus(machine))) await qmp.execute('cont');
  rmSync(machine.places.moving, { force: true });
}

/**
 * Brings to its end what a migration has left that was broken off, by the end of the process that
 * moved the machine, say. No migration of this process may be under way. Another process that is at
 * it has the monitor: then this throws `timeout`.
 */
export async function settleMigration(machine: Machine): Promise<void> {
  const { host, places, title } = machine;
  if (!existsSync(places.moving)) return;
  if (processOf(places) !== undefined) {
    await host.sessions.use({ path: places.control, title }, async (qmp) => {
      // Another process may have been through meanwhile.
      if (existsSync(places.moved) || !existsSync(places.moving)) return;
      await undoMigration(qmp, machine);
    });
    if (existsSync(places.moved)) await stopMachine(machine, 'it has moved');
  }
  rmSync(places.moving, { force: true });
}

/** The same, if the process is gone that moved the machine; may be called at any time. */
export async function settleForgotten(machine: Machine): Promise<void> {
  const { moving } = machine.places;
  if (!existsSync(moving)) return;
  const mark = markFields.safeParse(JSON.parse(readFileSync(moving, 'utf8')));
  // Its id may be another process's by now: then it is left to the next call that is no look.
  if (mark.success && existsSync(`/proc/${mark.data.pid}`)) return;
  await settleMigration(machine);
}
