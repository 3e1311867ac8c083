import type { Clock } from '../../base/clock.ts';
import type { Domains } from './domains.ts';
import { machinePlaces, type MachinePlaces } from './places.ts';
import type { Virsh } from './virsh.ts';

/** What all parts of the driver work with. */
export interface DriverContext {
  readonly virsh: Virsh;
  readonly domains: Domains;
  readonly clock: Clock;
  /** Where the disks of machines lie, a directory each. */
  readonly root: string;
  /** libvirt's word for what runs guests here. */
  domainType(): Promise<'kvm' | 'qemu'>;
  /** The URI of this host's daemon for other hosts. */
  peerConnection(address: string): string;
}

export function placesOf(context: DriverContext, name: string): MachinePlaces {
  return machinePlaces(context.root, name);
}
