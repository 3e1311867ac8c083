import type { Clock } from '../base/clock.ts';
import { KgetError } from '../base/error.ts';
import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import type { Identity } from '../transfer/transfer.ts';
import type { Admission } from './admission.ts';
import type { Cuts } from './cuts.ts';
import type { ImageCache } from './cache/image-cache.ts';
import type { HostFacts } from './host-facts.ts';
import type { NodePlace } from './node-place.ts';
import type { Turns } from './turns.ts';

/** A configured host agent: what all calls work with. */
export interface Node {
  /** Its name. */
  readonly name: string;
  /** Its certificate and key, by which other nodes know it. */
  readonly identity: Identity;
  readonly clock: Clock;
  readonly facts: HostFacts;
  readonly place: NodePlace;
  readonly cache: ImageCache;
  /** Null on the frontend. */
  readonly machines: Machines | null;
}

/** A node on which there may be machines. */
interface Machines {
  readonly arch: string;
  readonly hypervisor: Hypervisor;
  readonly admission: Admission;
  readonly cuts: Cuts;
  readonly turns: Turns;
}

export type MachineNode = Node & { readonly machines: Machines };

/** @throws KgetError `usage` on the frontend */
export function withMachines(node: Node): MachineNode {
  const { machines } = node;
  if (machines === null) {
    throw new KgetError(
      'usage',
      `Cannot work with machines on ${node.name}: it was configured without a hypervisor`,
    );
  }
  return { ...node, machines };
}
