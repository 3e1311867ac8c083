import type { VmSpec } from './vm-spec.ts';

/**
 * The port to what runs virtual machines on one host. Implementations: `qemu/` (QEMU over QMP),
 * `libvirt/` (through virsh), `simulated/` (memory and virtual time). All pass one contract suite:
 * `test/hypervisor/contract.ts`.
 *
 * - Machines outlive whoever uses the port: `look` and `list` find them again, by what lies in the
 *   directory of the implementation and by what runs.
 * - Each call is bounded in time and throws `timeout` when the hypervisor does not answer; the
 *   machine is then as it was, or `look` tells what became of it.
 * - Calls for one machine are made one after the other, but for `look`, `shutdown`, `stop` and
 *   `waitForExit`, which may come at any time, and `freeze` and `thaw`, which may come while a
 *   snapshot is ready (`whenReady`). Different machines do not wait for each other.
 * - A call on a machine in a state that it does not fit throws `usage` and changes nothing; `stop`,
 *   `thaw` and `remove` are idempotent.
 * - No process, socket or temporary file is left behind by a call that throws, or after `remove`.
 *
 * Errors: KgetError `usage` (no such machine, wrong state), `no-room` (disk or memory),
 * `unreachable` (the hypervisor is not there, or does not let us in), `timeout`, `cancelled`,
 * `protocol` (an answer that makes no sense), `corrupt` (a snapshot or image that is none),
 * `version` (too old), `internal`.
 */
export interface Hypervisor {
  readonly kind: 'qemu' | 'libvirt' | 'simulated';
  /** What there is to work with. @throws KgetError `unreachable`, `version` */
  probe(signal: AbortSignal): Promise<HypervisorFacts>;
  /** All machines that were created and not removed, whoever created them. */
  list(): Promise<readonly VmFacts[]>;
  /** @throws KgetError `usage` if there is none of this name */
  look(name: string): Promise<VmFacts>;

  /**
   * Makes the machine and its copy-on-write disks, and starts nothing. If it throws, nothing of the
   * machine is there. @throws KgetError `usage` if there is one of this name already
   */
  create(spec: VmSpec): Promise<void>;
  /** From `defined` or `stopped` to `running`. */
  start(name: string): Promise<void>;
  /** Ends the machine at once, as by pulling the plug: to `stopped`. Idempotent. */
  stop(name: string): Promise<void>;
  /** Asks the guest to shut down (ACPI), and ends it by force after `limitMs`: to `stopped`. */
  shutdown(name: string, options: { readonly limitMs: number }): Promise<'clean' | 'forced'>;
  /** Resolves when the machine has ended or its guest has panicked; at once if it has. */
  waitForExit(name: string, signal: AbortSignal): Promise<VmExit>;
  /** Removes a machine with its copy-on-write disks; it is ended first. Idempotent. */
  remove(name: string): Promise<void>;

  /** Stops the processors: from `running` to `paused`. */
  pause(name: string): Promise<void>;
  /** From `paused` or `suspended` to `running`: the guest goes on where it was. */
  resume(name: string): Promise<void>;
  /** Saves memory and devices to disk and ends the machine's process: to `suspended`. */
  suspend(name: string): Promise<void>;

  /**
   * Has the guest flush its file systems and hold all writes; false if no agent answers in it within
   * `limitMs`. The guest thaws by itself, or is thawed, `holdMs` later at the latest.
   */
  freeze(name: string, options: FreezeOptions): Promise<boolean>;
  /** Idempotent. */
  thaw(name: string): Promise<void>;
  /**
   * Fixes a point in time, and writes what the machine was at it to files: see `SnapshotRequest`.
   * Resolves when the point is fixed: the guest may be thawed and go on (a machine with memory that
   * was running is paused until then, and goes on by itself only if `leavePaused` is not set).
   */
  beginSnapshot(name: string, request: SnapshotRequest): Promise<SnapshotUnderWay>;
  /**
   * Makes a machine from the files of a snapshot: with memory it is `paused` where the snapshot was
   * taken; without, it is `defined`. The files are only read. `spec` describes the machine; its
   * copy-on-write disks are made over the files.
   * @throws KgetError `corrupt` if the files do not fit the machine
   */
  restore(spec: VmSpec, from: SnapshotFiles): Promise<void>;

  /**
   * Gives one disk, as it is at this moment, to be read over NBD while the guest runs on.
   * Closing it ends the export and removes what it took.
   */
  exportDisk(name: string, disk: string): Promise<DiskExport>;
  /**
   * What was written to a disk since the last snapshot that `beginSnapshot` has finished;
   * null if that is not known (no snapshot yet, or its bitmap is missing or inconsistent).
   */
  dirtyMap(name: string, disk: string): Promise<DirtyMap | null>;

  /**
   * On the target: makes the machine ready to be migrated here (`incoming`); the answer is for
   * `migrate` on the source. Files that `spec` names must be here, copy-on-write disks are made.
   * Without shared storage what is on them comes with the machine, and what is on its read-write
   * disks: their files here must be as large as there.
   */
  prepareMigration(spec: VmSpec, options: IncomingOptions): Promise<MigrationEndpoint>;
  /**
   * On the source: moves a running machine. When it resolves, the machine runs on the target once
   * `finishMigration` was called there, and is `stopped` here. If it throws, or is aborted, the
   * machine runs on here, unharmed; if the caller's process ends meanwhile, it does so from the next
   * call for it on, and `finishMigration` must not be called.
   * @throws KgetError `timeout` if it does not converge
   */
  migrate(
    name: string,
    endpoint: MigrationEndpoint,
    options: MigrationOptions,
  ): Promise<MigrationFigures>;
  /** On the target, after `migrate`: the machine runs. */
  finishMigration(name: string): Promise<void>;
  /** On the target: nothing came of it; removes the machine. Idempotent. */
  abandonMigration(name: string): Promise<void>;

  /**
   * Has a copy-on-write disk, of which the machine was started over NBD, start from a file with the
   * same bytes that has arrived. The guest does not notice, but that it goes on if it stood still
   * for want of the disk. In any state but `incoming`; idempotent. Drivers without it start no disk
   * over NBD that is to become a file.
   */
  switchBase?(name: string, disk: string, to: LocalBase): Promise<void>;
}

/** A file that a disk starts from. */
export interface LocalBase {
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
}

export interface HypervisorFacts {
  readonly version: string;
  /** What runs the guests' code: `tcg` is emulation. */
  readonly accelerator: 'kvm' | 'tcg' | 'none';
  readonly arch: string;
}

/**
 * `defined`: made, and never started; `incoming`: waits for a migration; `suspended`: memory is
 * saved on disk, no process; `stopped`: ended; `panicked`: the guest's kernel has given up, and the
 * machine is held.
 */
export type VmState =
  | 'defined'
  | 'running'
  | 'paused'
  | 'incoming'
  | 'suspended'
  | 'stopped'
  | 'panicked';

export interface VmFacts {
  readonly name: string;
  readonly state: VmState;
  readonly spec: VmSpec;
  /** Set once it has ended. */
  readonly exit: VmExit | null;
}

/** `guest`: the guest shut down; `stopped`: we ended it; `killed`: its process is gone. */
export interface VmExit {
  readonly reason: 'guest' | 'stopped' | 'panicked' | 'killed';
  /** For people: the last words of its process, say. */
  readonly detail: string;
}

export interface FreezeOptions {
  /** How long the guest's agent may take to answer. */
  readonly limitMs: number;
  /** How long the guest stays frozen if nobody thaws it. */
  readonly holdMs: number;
  /** Called, if it can be known, when an agent that answers is asked to freeze: not before is it. */
  readonly onAsked?: () => void;
}

/**
 * Files are called `<disk>.raw` for each disk that is copy-on-write, raw and sparse, whole: they
 * need no other file; and `memory`, `memory.json` with memory.
 */
export interface SnapshotRequest {
  /**
   * The directory of the machine's latest snapshot, of which there is one: it is brought forward.
   * Not the one that the machine was restored from: its disks start from the files there (`usage`).
   */
  readonly directory: string;
  readonly memory: boolean;
  /** Whether a machine that memory was saved of stays paused, to be resumed by the caller. */
  readonly leavePaused: boolean;
  /** Copy everything, even if it is known what has changed since the snapshot in `directory`. */
  readonly full: boolean;
  /**
   * Called once, without memory, when all is prepared that can be: the point is fixed when what it
   * returns resolves, so that a guest need not be frozen before. If it rejects, so does the call.
   */
  readonly whenReady?: () => Promise<void>;
}

export interface SnapshotUnderWay {
  /** How long the machine's processors stood still for it, as measured here. */
  readonly pausedMs: number;
  /**
   * Resolves when all files are complete and synced. If it rejects, the directory holds no valid
   * snapshot, and the next one copies everything.
   */
  readonly finished: Promise<SnapshotFigures>;
}

export interface SnapshotFigures {
  readonly disks: readonly DiskSnapshotFigures[];
  readonly memoryBytes: number;
}

export interface DiskSnapshotFigures {
  readonly disk: string;
  /** `incremental`: only what a dirty bitmap names was copied. */
  readonly mode: 'full' | 'incremental';
  /** Why it was not incremental, though asked for; null if it was, or nobody did. */
  readonly reason: string | null;
  /** Bytes that were dirty, by the bitmap; null if it was not used. */
  readonly dirtyBytes: number | null;
  readonly copiedBytes: number;
}

/** Where a snapshot's files are, by name of the disk. */
export interface SnapshotFiles {
  readonly disks: Readonly<Record<string, string>>;
  readonly memory: { readonly state: string; readonly description: string } | null;
}

export interface DiskExport {
  /** A Unix socket that speaks NBD. */
  readonly socketPath: string;
  readonly exportName: string;
  readonly sizeBytes: number;
  close(): Promise<void>;
}

export interface DirtyMap {
  readonly granularityBytes: number;
  readonly dirtyBytes: number;
  /** Ascending, not touching. */
  readonly extents: readonly { readonly offset: number; readonly lengthBytes: number }[];
}

export interface IncomingOptions {
  /** The address of this host at which the source reaches it. */
  readonly address: string;
  /** Whether the copy-on-write disks lie where both hosts see them, at the same path. */
  readonly sharedStorage: boolean;
  /** With it only the source that proves its name is let in, over TLS: see `MigrationIdentity`. */
  readonly identity?: MigrationIdentity;
}

/**
 * Who a host is to the other one of a migration, and who that one must be. Memory and disks then
 * go over TLS; both sides must have one, or none. Drivers that have other means do not use it
 * (`libvirt`: those of libvirt itself).
 */
export interface MigrationIdentity {
  /** PEM, with its key, and the authority that has signed the other side's certificate, too. */
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
  /** What the other side's certificate says: its common name, all of its subject, and DNS name. */
  readonly peerName: string;
}

/** Opaque to all but the implementation that made it; JSON. */
export type MigrationEndpoint = Readonly<Record<string, string | number | boolean>>;

export interface MigrationOptions {
  readonly sharedStorage: boolean;
  /** Given up after that, the machine unharmed. */
  readonly limitMs: number;
  /** The pause that the guest may suffer. */
  readonly downtimeLimitMs: number;
  /** Null for no limit. */
  readonly bytesPerSecond: number | null;
  readonly signal: AbortSignal;
  /** With it only a target that proves its name is given anything, over TLS. */
  readonly identity?: MigrationIdentity;
}

export interface MigrationFigures {
  readonly totalMs: number;
  readonly downtimeMs: number;
  /**
   * Memory as it was sent, and what was copied of disks: what their files have allocated, and what
   * was written meanwhile. Holes do not count.
   */
  readonly movedBytes: number;
}
