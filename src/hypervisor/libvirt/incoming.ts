import * as z from 'zod/mini';
import { KgetError } from '../../base/error.ts';
import type { Hypervisor, MigrationEndpoint } from '../hypervisor.ts';
import { vmSpec } from '../vm-spec.ts';
import type { DriverContext } from './context.ts';
import { isActive } from './domain-state.ts';
import { makeMachine, removeMachine } from './machines.ts';
import { parseJson } from './parse-json.ts';

const arrival = z.object({
  /** The URI of the target's daemon, for the source's. */
  connection: z.string(),
  /** What the target is called on the network on which memory and disks travel. */
  address: z.string(),
  root: z.string(),
  spec: vmSpec,
});

/** Where a machine goes to, and what it is there. */
export type Arrival = Readonly<z.infer<typeof arrival>>;

/** @throws KgetError `usage` for an endpoint of another driver */
export function readEndpoint(endpoint: MigrationEndpoint): Arrival {
  const { libvirt } = endpoint;
  const parsed = z.safeParse(arrival, parseJson(typeof libvirt === 'string' ? libvirt : ''));
  if (parsed.success) return parsed.data;
  throw new KgetError('usage', 'Cannot migrate to this host: it does not run machines by libvirt');
}

type IncomingCalls = Pick<Hypervisor, 'prepareMigration' | 'finishMigration' | 'abandonMigration'>;

/**
 * The target's side. The domain is defined before it comes, so that its name is taken and `look`
 * knows it; libvirt puts the one that comes in its place, paused.
 */
export function incomingCalls(context: DriverContext): IncomingCalls {
  const { domains, virsh } = context;
  return {
    async prepareMigration(spec, { address, sharedStorage }) {
      const record = { incoming: true, started: true, disksElsewhere: sharedStorage };
      const disks = sharedStorage ? 'present' : 'new';
      await makeMachine(context, { spec, record, disks });
      const connection = context.peerConnection(address);
      const here: Arrival = { connection, address, root: context.root, spec };
      return { libvirt: JSON.stringify(here) };
    },
    async finishMigration(name) {
      const domain = await domains.expect(name, ['incoming'], 'finish the migration of');
      if (!isActive(domain.raw)) {
        throw new KgetError('usage', `Cannot go on with machine "${name}": it has not come yet`);
      }
      await virsh.run(['resume', name]);
      await domains.remember(domain, { incoming: false, disksElsewhere: false });
    },
    async abandonMigration(name) {
      const domain = await domains.lookFor(name);
      if (domain?.state === 'incoming') await removeMachine(context, name);
    },
  };
}
