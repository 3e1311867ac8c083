import { existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import * as z from 'zod/mini';
import { KgetError } from '../../base/error.ts';
import { replaceFile } from '../../content/durable.ts';
import type { IncomingOptions, MigrationEndpoint } from '../hypervisor.ts';
import type { VmSpec } from '../vm-spec.ts';
import { findMachine, titleOf, type Machine, type QemuHost } from './machine.ts';
import { makeMachine, removeMachine } from './making.ts';
import { awaitMigration, queryMigration, setCapabilities } from './memory.ts';
import { dropIdentity, identifyToSource, type TlsWords } from './migration-identity.ts';
import { diskNode, placesOf } from './places.ts';
import { killProcess, launch } from './process.ts';
import type { Qmp } from './qmp.ts';

const ARRIVAL_LIMIT_MS = 30_000;
/** Between asking the kernel for a free port and taking it, another process may take it. */
const PORT_ATTEMPTS = 5;

/** What `prepare` answers and `migrate` takes. */
export const endpointFields = z.object({
  kind: z.literal('qemu'),
  host: z.string(),
  port: z.number(),
  /** Of the NBD server; 0 if disks are shared. */
  diskPort: z.number(),
  /** Whether both ports let in only the one that has proved its name. */
  tls: z.boolean(),
});

export type Endpoint = z.infer<typeof endpointFields>;

const control = ({ places, title }: Machine) => ({ path: places.control, title });

/** See `Hypervisor.prepareMigration`. If this throws, nothing of the machine is left. */
export async function prepareMigration(
  host: QemuHost,
  spec: VmSpec,
  { address, sharedStorage, identity }: IncomingOptions,
): Promise<MigrationEndpoint> {
  if (sharedStorage && host.sharedDirectory === null) {
    const advice = 'this driver was given no directory that hosts share';
    throw new KgetError('usage', `Cannot take ${titleOf(spec.name)} with shared disks: ${advice}`);
  }
  const sharedDisks = sharedStorage ? 'adopt' : 'make';
  const machine = await makeMachine(host, { spec, sharedDisks });
  try {
    const text = `${JSON.stringify({ sharedStorage })}\n`;
    await replaceFile(machine.places.incoming, text);
    // Not ours until the machine runs here.
    if (sharedStorage) await replaceFile(machine.places.moved, text);
    await launch(machine, 'incoming');
    return await host.sessions.use(control(machine), async (qmp) => {
      const tls = identity && (await identifyToSource(qmp, machine, identity));
      const server = { host: address, tls: tls ?? {} };
      const diskPort = sharedStorage ? 0 : await serveDisks(qmp, machine, server);
      await setCapabilities(qmp, { pauseBeforeSwitchover: true });
      if (tls !== undefined) await qmp.execute('migrate-set-parameters', tls);
      await qmp.execute('migrate-incoming', { uri: `tcp:${bracketed(address)}:0` });
      const [socket] = (await queryMigration(qmp))['socket-address'] ?? [];
      const port = Number(socket?.port ?? 0);
      if (port === 0) throw new KgetError('protocol', `QEMU of ${machine.title} tells no port`);
      return { kind: 'qemu', host: address, port, diskPort, tls: tls !== undefined };
    });
  } catch (error) {
    await killProcess(machine);
    removeMachine(machine);
    throw error;
  }
}

interface Server {
  readonly host: string;
  readonly tls: TlsWords;
}

/** Lets the source write to all disks that are not the same on both hosts; the port. */
async function serveDisks(qmp: Qmp, machine: Machine, server: Server): Promise<number> {
  const port = await startServer(qmp, server);
  for (const [index, { access }] of machine.record.spec.disks.entries()) {
    if (access === 'read-only') continue;
    const node = diskNode(index);
    const given = { type: 'nbd', id: `incoming-${node}`, 'node-name': node, name: node };
    await qmp.execute('block-export-add', { ...given, writable: true });
  }
  return port;
}

async function startServer(qmp: Qmp, { host, tls }: Server): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort(host);
    try {
      const data = { host, port: `${port}` };
      await qmp.execute('nbd-server-start', {
        addr: { type: 'inet', data },
        'max-connections': 64,
        ...tls,
      });
      return port;
    } catch (error) {
      if (attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address === 'object' && address !== null) return address.port;
  throw new KgetError('internal', `Cannot find a free port at ${host}`);
}

export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** See `Hypervisor.finishMigration`. @throws KgetError `usage`; `timeout` if nothing has come */
export async function finishMigration(machine: Machine): Promise<void> {
  const { host, places, title } = machine;
  await host.sessions.use(control(machine), async (qmp) => {
    const what = `take over ${title}`;
    const terms = { clock: host.clock, limitMs: ARRIVAL_LIMIT_MS, what };
    await awaitMigration(qmp, ['completed'], terms);
    await qmp.execute('nbd-server-stop').catch(() => undefined);
    await qmp.execute('cont');
    await dropIdentity(qmp);
  });
  rmSync(places.moved, { force: true });
  rmSync(places.incoming, { force: true });
}

/** See `Hypervisor.abandonMigration`. @throws KgetError `usage` if it did not wait for one */
export async function abandonMigration(host: QemuHost, name: string): Promise<void> {
  if (!existsSync(placesOf(host.directory, name).record)) return;
  const machine = findMachine(host, name);
  if (!existsSync(machine.places.incoming)) {
    throw new KgetError('usage', `Cannot abandon ${machine.title}: it waits for no migration`);
  }
  await killProcess(machine);
  removeMachine(machine);
}
