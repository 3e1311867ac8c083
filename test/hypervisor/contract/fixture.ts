import type { Hypervisor } from '../../../src/hypervisor/hypervisor.ts';
import type { VmSpec } from '../../../src/hypervisor/vm-spec.ts';

/** What the contract suite needs of a driver: two hosts, a guest that boots, and ways to see it. */
export interface HypervisorFixture {
  readonly here: FixtureHost;
  /** A second host, which machines migrate to and are restored on; null if there cannot be one. */
  readonly there: FixtureHost | null;
  /** What this driver can do here: tests of what it cannot are skipped. */
  readonly can: {
    readonly migrate: boolean;
    readonly memory: boolean;
    /** Seeing that the guest's kernel has panicked. */
    readonly panic: boolean;
    readonly exportDisk: boolean;
    /** `dirtyMap`, and snapshots that are incremental. */
    readonly dirtyMap: boolean;
  };
  readonly guest: GuestObserver;
  /** An empty directory for snapshots. */
  snapshotDirectory(): Promise<string>;
  /** Rejects if the raw disk in this file has a file system that is not clean. */
  checkFileSystem(path: string): Promise<void>;
  /**
   * Kills the machine's process on `here`, as the kernel does when memory runs out; null if there
   * is no such process.
   */
  readonly kill: ((name: string) => Promise<void>) | null;
  close(): Promise<void>;
}

/** A host that runs machines. */
export interface FixtureHost {
  readonly hypervisor: Hypervisor;
  /** Another object for the same host, as another process would make it. */
  again(): Hypervisor;
  /**
   * A machine that boots the guest, with one copy-on-write disk `root`, and the guest agent's
   * channel. The same name gives the same guest on both hosts (files of channels are apart).
   */
  spec(name: string): VmSpec;
  /** Processes, sockets and files that belong to machines of this host: for a suite's end. */
  leftovers(): Promise<readonly string[]>;
}

/** Each wait in it has a limit of its own, and rejects then. */
export interface GuestObserver {
  /**
   * The latest number that the guest has said on the host: it counts up from 1, all the time, from
   * when it is ready; 0 before. It starts at 1 again when it boots again.
   */
  counter(host: FixtureHost, name: string): Promise<number>;
  /** Starts the machine, and resolves when its guest has begun to count. */
  boot(host: FixtureHost, name: string): Promise<void>;
  /** Resolves with a counter that is greater than `number`. */
  counterBeyond(host: FixtureHost, name: string, number: number): Promise<number>;
  /** The guest writes so much that is not zero to its root disk, and syncs it. */
  write(host: FixtureHost, name: string, sizeBytes: number): Promise<void>;
  /** From now on the guest does not mind the power button. */
  ignorePowerButton(host: FixtureHost, name: string): Promise<void>;
  /** The guest's kernel gives up. */
  panic(host: FixtureHost, name: string): Promise<void>;
  /** The guest shuts down by itself. */
  powerOff(host: FixtureHost, name: string): Promise<void>;
}
