import { join } from 'node:path';

import { dealRacks } from './racks.ts';
import type { LabRack, RackOptions } from './racks.ts';

/** Most nodes of one lab: 64 is what a machine with two cores carries; the addresses allow more. */
export const MAX_NODES = 250;

/** Where every host finds its own directory; a mount point that labs share, see `mounts.ts`. */
export const LABNODE = '/labnode';

/** One host: a network namespace with a link and an sshd of its own. */
export interface LabHost {
  /** `kn01`, `kn02`, …, or `frontend`; resolves inside the lab, and names its bridge port. */
  readonly name: string;
  readonly address: string;
  readonly namespace: string;
  /** The machine's path of what the host sees as `/labnode`. */
  readonly labnode: string;
  /** The machine's path of what the host sees as `/run`. */
  readonly run: string;
}

/** Everything that a lab puts on the machine; its state file, from which it is taken down. */
export interface LabState {
  readonly format: 2;
  readonly name: string;
  /** The process that uses the lab, or null if it stays until it is taken down by hand. */
  readonly ownerPid: number | null;
  readonly createdAt: string;
  /** The shape of the nodes' links and of the frontend's, both ways, as tc(8) writes rates. */
  readonly rate: string;
  readonly frontendRate: string;
  /** Holds the state file. */
  readonly registry: string;
  /** Holds keys, configuration and the hosts' directories; often the same as `registry`. */
  readonly directory: string;
  /** The lab's own directory below `/labnode`, which keeps that mount point in place. */
  readonly mountClaim: string;
  /** The namespace with the bridges. */
  readonly network: string;
  readonly frontend: LabHost;
  readonly nodes: readonly LabHost[];
  /** None if all nodes are on the bridge that the frontend is on. */
  readonly racks: readonly LabRack[];
}

export interface LabPlan {
  readonly name: string;
  readonly nodes: number;
  readonly racks: RackOptions | undefined;
  readonly rate: string;
  readonly frontendRate: string;
  readonly ownerPid: number | null;
  readonly createdAt: string;
  readonly registry: string;
  readonly directory: string;
}

/** Names, addresses and paths of a lab; nothing is made yet. @throws Error on wrong racks */
export function layOut(plan: LabPlan): LabState {
  const { nodes: count, racks, ...kept } = plan;
  const digits = Math.max(2, String(count).length);
  const host = (name: string, address: string): LabHost => ({
    name,
    address,
    namespace: `${plan.name}-${name}`,
    labnode: join(plan.directory, 'hosts', name, 'labnode'),
    run: join(plan.directory, 'hosts', name, 'run'),
  });
  const nodes = Array.from({ length: count }, (_, index) =>
    host(`kn${String(index + 1).padStart(digits, '0')}`, `10.77.0.${index + 1}`),
  );
  const names = nodes.map((node) => node.name);
  return {
    format: 2,
    ...kept,
    mountClaim: join(LABNODE, plan.name),
    network: `${plan.name}-network`,
    frontend: host('frontend', '10.77.1.1'),
    nodes,
    racks: racks === undefined ? [] : dealRacks(names, racks),
  };
}

/** The frontend and the nodes. */
export function hostsOf(state: LabState): readonly LabHost[] {
  return [state.frontend, ...state.nodes];
}

/** Every namespace of a lab. */
export function namespacesOf(state: LabState): readonly string[] {
  return [state.network, ...hostsOf(state).map((host) => host.namespace)];
}

/** Paths of the files that all hosts of a lab share. */
export function filesOf(state: LabState): Record<keyof typeof FILES, string> {
  const path = (name: keyof typeof FILES): string => join(state.directory, FILES[name]);
  return {
    enter: path('enter'),
    hostNames: path('hostNames'),
    hostKey: path('hostKey'),
    userKey: path('userKey'),
    knownHosts: path('knownHosts'),
    sshdConfig: path('sshdConfig'),
    sshConfig: path('sshConfig'),
  };
}

const FILES = {
  enter: 'enter.sh',
  hostNames: 'host-names',
  hostKey: 'host-key',
  userKey: 'user-key',
  knownHosts: 'known-hosts',
  sshdConfig: 'sshd-config',
  sshConfig: 'ssh-config',
};
