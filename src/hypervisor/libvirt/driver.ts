import type { Clock } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';
import type { Hypervisor, VmFacts } from '../hypervisor.ts';
import { acceleratorOf } from '../qemu/accelerator.ts';
import type { DriverContext } from './context.ts';
import { domains, type Domain } from './domains.ts';
import { exportCalls } from './export.ts';
import { freezer } from './freeze.ts';
import { incomingCalls } from './incoming.ts';
import { makeMachine, removeMachine } from './machines.ts';
import { migrateCalls } from './migrate.ts';
import { powerCalls } from './power.ts';
import { probeLibvirt } from './probe.ts';
import { restoreCalls } from './restore.ts';
import { snapshotCalls } from './snapshot.ts';
import { virsh } from './virsh.ts';

export interface LibvirtOptions {
  /** Where disks of machines are made: short, as sockets lie in it, and open to libvirt's user. */
  readonly directory: string;
  readonly clock: Clock;
  /** The URI of this host's daemon; `qemu:///system` if not given. */
  readonly connection?: string;
  /** The URI of it for other hosts, which they migrate to; by SSH if not given. */
  readonly peerConnection?: (address: string) => string;
  readonly virsh?: string;
}

/**
 * Virtual machines through libvirt's daemon on this host, by virsh.
 *
 * - A machine is a persistent domain of its name; what we remember of it is in its metadata, and
 *   its copy-on-write disks are in a directory of its name.
 * - Domains that others have made are found, too, and can be paused, ended, frozen and snapshotted;
 *   not removed, and not migrated.
 * - One backup of a machine can be under way at a time: a snapshot, an export or a dirty map.
 */
export function libvirtHypervisor(options: LibvirtOptions): Hypervisor {
  const { clock, directory } = options;
  const connection = options.connection ?? 'qemu:///system';
  const daemon = virsh({ program: options.virsh ?? 'virsh', connection, clock });
  let type: Promise<'kvm' | 'qemu'> | undefined;
  const context: DriverContext = {
    virsh: daemon,
    domains: domains(daemon),
    clock,
    root: directory,
    domainType: async () => {
      type ??= domainTypeOf(context);
      return type;
    },
    peerConnection: options.peerConnection ?? ((address) => `qemu+ssh://${address}/system`),
  };
  const freezing = freezer(context);
  /** Machines with a backup of ours under way. */
  const busy = new Set<string>();

  return {
    kind: 'libvirt',
    probe: async (signal) => {
      if (signal.aborted) throw new KgetError('cancelled', 'Stopped asking libvirt on request');
      return probeLibvirt(context);
    },
    list: async () => (await context.domains.list()).map(factsOf),
    look: async (name) => factsOf(await context.domains.look(name)),
    create: async (spec) => makeMachine(context, { spec, record: {}, disks: 'new' }),
    remove: async (name) => {
      freezing.forget(name);
      await removeMachine(context, name);
    },
    ...powerCalls(context),
    freeze: freezing.freeze,
    thaw: freezing.thaw,
    ...snapshotCalls(context, busy),
    ...restoreCalls(context),
    ...exportCalls(context, busy),
    ...incomingCalls(context),
    ...migrateCalls(context),
  };
}

function factsOf({ name, state, spec, exit }: Domain): VmFacts {
  return { name, state, spec, exit };
}

/** KVM if libvirt has it, and it does work. */
async function domainTypeOf({
  virsh: daemon,
  root,
  clock,
}: DriverContext): Promise<'kvm' | 'qemu'> {
  const answer = await daemon.attempt(['domcapabilities', '--virttype', 'kvm']);
  if (!answer.done) return 'qemu';
  const arch = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const program = `qemu-system-${arch}`;
  const accelerator = await acceleratorOf({ directory: root, clock, arch, program });
  return accelerator === 'kvm' ? 'kvm' : 'qemu';
}
