import type { Clock } from '../../base/clock.ts';
import { KgetError } from '../../base/error.ts';
import type { VmSpec } from '../vm-spec.ts';
import { guestHandle, type GuestHandle } from './guest-handle.ts';
import type { GuestScript } from './guest.ts';
import { holdsMemory, type SimulatedMachine } from './machine.ts';
import { killMachine, settleMachine } from './progress.ts';

/** Hosts that machines can be moved between, by the names that they were given. */
export interface SimulatedWorld {
  readonly clock: Clock;
  readonly hosts: ReadonlyMap<string, SimulatedHost>;
  /** @throws KgetError `usage` if there is one of this name */
  addHost(options: SimulatedHostOptions): SimulatedHost;
}

export interface SimulatedHostOptions {
  readonly name: string;
  /** Machines that run, or are held, must not take more of it. */
  readonly memoryBytes: number;
  /** Of copying disks for snapshots. */
  readonly diskBytesPerSecond: number;
  /** Of moving a machine to another host. */
  readonly linkBytesPerSecond: number;
  /** How long processors stand still while their memory is saved. */
  readonly pauseMs: number;
  /** What the guest of a machine does. */
  scriptOf(spec: VmSpec): GuestScript;
}

/** A host with its machines: what outlives all drivers of it. */
export interface SimulatedHost extends SimulatedHostOptions {
  readonly world: SimulatedWorld;
  readonly machines: Map<string, SimulatedMachine>;
  /** What machines take of its memory now. */
  usedMemoryBytes(): number;
  /** A machine's guest, as somebody sees it who sits in it. @throws KgetError `usage` */
  guest(name: string): GuestHandle;
  /** What the guest has said on all ports so far, but for ports that were named. */
  events(name: string, port?: string): readonly string[];
  /** Ends the process of a machine, as the kernel does when memory runs out. */
  kill(name: string): void;
  /** The host is reset: all processes are gone, and what is on disk stays. */
  reset(): void;
}

export function simulatedWorld({ clock }: { readonly clock: Clock }): SimulatedWorld {
  const hosts = new Map<string, SimulatedHost>();
  const world: SimulatedWorld = {
    clock,
    hosts,
    addHost(options) {
      if (hosts.has(options.name)) {
        throw new KgetError('usage', `Cannot add host "${options.name}": there is one already`);
      }
      const host = makeHost(options, world);
      hosts.set(options.name, host);
      return host;
    },
  };
  return world;
}

function makeHost(options: SimulatedHostOptions, world: SimulatedWorld): SimulatedHost {
  const machines = new Map<string, SimulatedMachine>();
  return {
    ...options,
    world,
    machines,
    usedMemoryBytes() {
      for (const machine of machines.values()) settleMachine(machine);
      return [...machines.values()]
        .filter(holdsMemory)
        .reduce((sum, { spec }) => sum + spec.memoryBytes, 0);
    },
    guest: (name) => guestHandle(machineOf(machines, name)),
    events(name, port) {
      const machine = machineOf(machines, name);
      settleMachine(machine);
      return machine.said
        .filter((it) => port === undefined || it.port === port)
        .map((it) => it.line);
    },
    kill: (name) => killMachine(machineOf(machines, name)),
    reset() {
      for (const machine of machines.values()) killMachine(machine);
    },
  };
}

/** A machine as it is now. @throws KgetError `usage` if there is none of this name */
export function machineOf(
  machines: ReadonlyMap<string, SimulatedMachine>,
  name: string,
): SimulatedMachine {
  const machine = machines.get(name);
  if (machine === undefined) {
    throw new KgetError('usage', `Cannot find machine "${name}": no such machine on this host`);
  }
  settleMachine(machine);
  return machine;
}

/** @throws KgetError `no-room` if a machine does not fit into what is left of the memory */
export function admit(host: SimulatedHost, { name, memoryBytes }: VmSpec): void {
  const free = host.memoryBytes - host.usedMemoryBytes();
  if (memoryBytes <= free) return;
  throw new KgetError(
    'no-room',
    `Cannot run machine "${name}" on ${host.name}: ` +
      `${memoryBytes} B of memory needed, ${free} B free`,
  );
}
