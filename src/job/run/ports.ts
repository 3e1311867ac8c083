import type { Clock } from '../../base/clock.ts';
import type { Failure } from '../../base/error.ts';
import type { DeployedFile } from '../../control/host-calls.ts';
import type { Host, Hosts } from '../hosts/hosts.ts';
import type { JobRecord } from '../record/job-record.ts';
import type { Placement } from './want-vm.ts';

/** What a job needs of the world. */
export interface JobPorts {
  readonly clock: Clock;
  /** Machines that boot at once at most. */
  readonly booting: number;
  /** Aborted by Ctrl-C: the job goes on in its machines, and can be taken up again. */
  readonly signal: AbortSignal;
  /** Whether somebody wants the job cancelled; asked now and then. */
  isCancelled(): boolean;
  /** Starts the host agents of nodes. */
  connect(nodes: readonly string[], signal: AbortSignal): Promise<Hosts>;
  /** Starts the host agent of one node again, whose connection was lost. */
  reconnect(node: string, signal: AbortSignal): Promise<Host>;
  /**
   * Brings files to all hosts; by node, why one does not have them. `onArrived` is called for each
   * node as soon as it has them.
   */
  deploy(
    files: readonly DeployedFile[],
    hosts: readonly Host[],
    signal: AbortSignal,
    onArrived?: (node: string) => void,
  ): Promise<ReadonlyMap<string, Failure>>;
  /** Gives a file of the job's image to be read over NBD by machines on these hosts. */
  serveDisk(file: DeployedFile, hosts: readonly Host[], signal: AbortSignal): Promise<ServedDisk>;
  /**
   * Gathers files from nodes: outputs as files here, snapshots into the store. What an earlier call
   * has brought here is not asked for again, and one that broke off is gone on with. `onEmptied` is
   * called for each node that nothing is needed from any more: it may be on its way over others.
   */
  collect(wanted: Collection): Promise<Collected>;
  /** Keeps what a command or a console has said. */
  keepLog(vm: string, source: 'command' | 'console', text: string): void;
  /** Gives a node back, if there is something to do, at least once; what went wrong, if anything. */
  release(node: string): Promise<Failure | undefined>;
  /** Notes something durably; what follows may rely on it. */
  record(record: JobRecord): void;
  /** For people. */
  say(text: string): void;
  /** Now, ISO 8601. */
  now(): string;
}

/** A disk that is served until it is disposed of. */
export interface ServedDisk extends AsyncDisposable {
  /** Where machines read it: `nbd://HOST:PORT/NAME`. */
  readonly url: string;
  /** Aborted when nobody serves it any more. */
  readonly lost: AbortSignal;
}

/** Files to be gathered. */
export type Collection = (
  | { readonly kind: 'outputs'; readonly vms: readonly Placement[] }
  | {
      readonly kind: 'snapshot';
      readonly cut: string;
      /** An earlier command knew of the cut, and may have gathered some of it. */
      readonly mayBeHere: boolean;
    }
) & {
  /** Nodes that have some, or had when it was begun. */
  readonly nodes: readonly string[];
  /** Globs of absolute paths, the same for all nodes. */
  readonly patterns: readonly string[];
  onEmptied(node: string): Promise<Failure | undefined>;
};

export interface Collected {
  /** The run in the store, or the directory with `NODE/FILE`. */
  readonly place: string;
  /** Nodes of which something is not here. */
  readonly missing: readonly string[];
}

/** Snapshots that were taken at one cut, and lie on nodes. */
export interface PendingCut {
  readonly cut: string;
  readonly nodes: readonly string[];
  readonly patterns: readonly string[];
}
