import { rmSync } from 'node:fs';
import { KgetError } from '../../base/error.ts';
import { replaceFile } from '../../content/durable.ts';
import type { MigrationEndpoint, MigrationFigures, MigrationOptions } from '../hypervisor.ts';
import { stopMachine } from './ending.ts';
import type { Machine } from './machine.ts';
import { awaitMigration, setCapabilities, UNLIMITED_BYTES_PER_SECOND } from './memory.ts';
import { beginDisks } from './migration-disks.ts';
import { identifyToTarget } from './migration-identity.ts';
import { bracketed, endpointFields, type Endpoint } from './migration-target.ts';
import { markMoving, undoMigration } from './migration-undo.ts';
import type { Qmp } from './qmp.ts';

/** See `Hypervisor.migrate`. */
export async function migrate(
  machine: Machine,
  endpoint: MigrationEndpoint,
  options: MigrationOptions,
): Promise<MigrationFigures> {
  const { host, places, title } = machine;
  const target = readEndpoint(machine, endpoint, options);
  const from = host.clock.nowMs();
  const move = async (qmp: Qmp) => {
    await markMoving(machine);
    try {
      return await moveAll(qmp, machine, target, options);
    } catch (error) {
      if (!qmp.ended.aborted) await undoMigration(qmp, machine);
      throw error;
    }
  };
  const moved = await host.sessions.use({ path: places.control, title }, move);
  const to = `${target.host}:${target.port}`;
  await replaceFile(places.moved, `${JSON.stringify({ to })}\n`);
  await stopMachine(machine, `it has moved to ${to}`);
  rmSync(places.moving, { force: true });
  return { ...moved, totalMs: host.clock.nowMs() - from };
}

/** @throws KgetError `usage` if it is no endpoint of ours, or not of the same mind about TLS */
function readEndpoint(
  { title }: Machine,
  endpoint: MigrationEndpoint,
  { identity }: MigrationOptions,
): Endpoint {
  const parsed = endpointFields.safeParse(endpoint);
  if (!parsed.success) {
    throw new KgetError('usage', `Cannot move ${title}: the target was not made ready by QEMU`);
  }
  if (parsed.data.tls === (identity !== undefined)) return parsed.data;
  const found = parsed.data.tls ? 'the target wants TLS' : 'the target does not speak TLS';
  const advice = 'give an identity to both sides, or to none';
  throw new KgetError('usage', `Cannot move ${title}: ${found}, the source does not; ${advice}`);
}

async function moveAll(
  qmp: Qmp,
  machine: Machine,
  endpoint: Endpoint,
  options: MigrationOptions,
): Promise<Omit<MigrationFigures, 'totalMs'>> {
  const { title, host } = machine;
  const { clock } = host;
  const what = `move ${title} to ${endpoint.host}`;
  const { signal, limitMs, downtimeLimitMs, bytesPerSecond, identity } = options;
  const until = clock.nowMs() + limitMs;
  const left = () => ({ clock, what, signal, limitMs: Math.max(0, until - clock.nowMs()) });
  const tls = identity && (await identifyToTarget(qmp, machine, identity));
  const disks = options.sharedStorage
    ? null
    : await beginDisks(qmp, machine, { endpoint, tls: tls ?? {}, bytesPerSecond });
  await disks?.level(left);
  await setCapabilities(qmp, { pauseBeforeSwitchover: true });
  await qmp.execute('migrate-set-parameters', {
    'max-bandwidth': bytesPerSecond ?? UNLIMITED_BYTES_PER_SECOND,
    'downtime-limit': downtimeLimitMs,
    ...tls,
  });
  await qmp.execute('migrate', { uri: `tcp:${bracketed(endpoint.host)}:${endpoint.port}` });
  await awaitMigration(qmp, ['pre-switchover'], left());
  const diskBytes = (await disks?.letGo({ clock, what })) ?? 0;
  await qmp.execute('migrate-continue', { state: 'pre-switchover' });
  const done = await awaitMigration(qmp, ['completed'], left());
  const memoryBytes = done.ram?.transferred ?? 0;
  return { downtimeMs: done.downtime ?? 0, movedBytes: memoryBytes + diskBytes };
}
