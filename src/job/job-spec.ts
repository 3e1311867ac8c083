/** A job as its file describes it, with all defaults filled in. */
export interface JobSpec {
  readonly name: string;
  /** In the order of the node set. */
  readonly nodes: readonly string[];
  readonly vmsPerNode: number;
  /** A machine image of the store: its name or tag, or the beginning of its id. */
  readonly image: string;
  readonly hypervisor: 'qemu' | 'libvirt';
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly network: 'none' | 'user';
  /** Files and directories here, absolute, and what they are called in the guest's /job/inputs. */
  readonly inputs: readonly { readonly path: string; readonly name: string }[];
  /** A shell script. */
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Paths or globs in the guest, relative to /job/inputs or absolute. */
  readonly outputs: readonly string[];
  readonly outputRoomBytes: number;
  /** Of the command; null for none. */
  readonly timeLimitMs: number | null;
  /** From the start of a machine to the start of its command. */
  readonly bootLimitMs: number;
  /** From the request to power off until it is forced. */
  readonly shutdownLimitMs: number;
  /** When all commands of the job ended with 0. */
  readonly onSuccess: JobEnding;
  readonly onFailure: JobEnding;
  /** Boot at once, over NBD from the store, while the image arrives behind. */
  readonly bootFrom: 'cache' | 'store';
}

/** What is done with the machines of a job that has ended. */
export interface JobEnding {
  readonly snapshot: 'none' | 'disk' | 'memory';
  /** The machines stay, to be looked into; `job cancel` ends them. */
  readonly keep: boolean;
}
