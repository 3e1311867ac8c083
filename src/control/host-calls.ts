import * as z from 'zod/mini';
import type { Caller, CallTable } from './calls.ts';

/**
 * What the coordinator of VMs has the host agents do: the calls, by name. A host agent runs on each
 * node as long as a command needs it; machines outlive it. Files are named by their digest (SHA-256
 * over the digests of their chunks in order, hexadecimal), which is also their name in the cache.
 */

const text = z.string().check(z.maxLength(65_536));
const bytes = z.int().check(z.nonnegative());
const digest = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const path = z.string().check(z.regex(/^\/[^\0]*$/), z.maxLength(4096));
const vmName = z.string().check(z.maxLength(64), z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/));
const nothing = z.object({});
const port = z.int().check(z.gte(1), z.lte(65_535));
const milliseconds = z.number().check(z.nonnegative());

/** A file that machines start from: a disk, a kernel, an archive of inputs. */
export const deployedFile = z.object({ digest, sizeBytes: bytes });

const peer = z.object({ node: z.string(), host: z.string(), port });

const format = z.enum(['raw', 'qcow2']);

/** A machine as the coordinator wants it: files by digest; the host knows where they lie. */
export const wantedVm = z.object({
  name: vmName,
  job: vmName,
  arch: z.enum(['x86_64', 'aarch64']),
  cpus: z.int().check(z.gte(1), z.lte(1024)),
  memoryBytes: z.int().check(z.positive()),
  network: z.enum(['none', 'user']),
  boot: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('disk') }),
    z.object({
      kind: z.literal('kernel'),
      kernel: deployedFile,
      initramfs: z.nullable(deployedFile),
      commandLine: z.string(),
    }),
  ]),
  disk: z.object({ file: deployedFile, format, nbdUrl: z.nullable(z.string()) }),
  /** See guest/protocol.ts; null for a machine without a job. */
  task: z.nullable(
    z.object({
      command: text,
      environment: z.record(z.string(), z.string()),
      timeLimitSeconds: z.nullable(z.int()),
      outputs: z.array(z.string()),
      /** A tar archive, the same for all machines of the job. */
      inputs: z.nullable(deployedFile),
      /** Size of the disk that takes the archive of outputs. */
      outputRoomBytes: bytes,
    }),
  ),
});

/** What a snapshot's `VM-vm.json` says: enough to make the machine again, under another name too. */
export const vmDescription = z.object({
  schema: z.literal('kgetplus.vm/1'),
  wanted: wantedVm,
  /** What the hypervisor needs to know of the saved memory; null without memory. */
  memory: z.nullable(text),
  /** What the job runner had said by then. */
  events: z.array(text),
});

const vmState = z.enum([
  'defined',
  'running',
  'paused',
  'incoming',
  'suspended',
  'stopped',
  'panicked',
]);

const vmExit = z.object({
  reason: z.enum(['guest', 'stopped', 'panicked', 'killed']),
  detail: text,
});

/** A machine as it is found on its host. */
const foundVm = z.object({
  name: vmName,
  /** Null for machines that no job of ours has made (of libvirt, say). */
  job: z.nullable(vmName),
  state: vmState,
  memoryBytes: bytes,
  cpus: z.int(),
  exit: z.nullable(vmExit),
  /** The lines of the job runner so far: guest/protocol.ts. */
  events: z.array(text),
  logBytes: bytes,
  /**
   * The absolute path of the archive of outputs, on the host, whose last part no other machine has;
   * null for a machine without a job.
   */
  outputsPath: z.nullable(path),
});

const snapshotFile = z.object({
  name: z.string(),
  path,
  sizeBytes: bytes,
});

const vm = z.object({ vm: vmName });

export const HOST_CALLS = {
  /** The first call, once. */
  configure: {
    request: z.object({
      node: z.string(),
      identity: z.object({ certificate: z.string(), key: z.string(), authority: z.string() }),
      chunkSizeBytes: bytes,
      /** Where all lies that belongs to machines; null for the usual place. */
      directory: z.nullable(path),
      /**
       * Where disks lie that machines write to, if hosts share it: then they can be moved with
       * `sharedStorage`. Otherwise they lie in `directory`, which is of one host alone.
       */
      sharedDirectory: z.optional(z.nullable(path)),
      /** `none` on the frontend. */
      hypervisor: z.enum(['qemu', 'libvirt', 'none']),
      /** Memory that machines may take in all; null for what the host has, less a reserve. */
      memoryLimitBytes: z.nullable(bytes),
    }),
    result: z.object({
      /** Where files are served to other nodes. */
      port,
      /**
       * Where ssh came from, as this host sees it (the first word of $SSH_CONNECTION): at that address
       * it reaches the frontend. Null if it was not started over ssh.
       */
      callerAddress: z.nullable(z.string()),
      arch: z.string(),
      hypervisor: z.nullable(
        z.object({ version: z.string(), accelerator: z.enum(['kvm', 'tcg', 'none']) }),
      ),
      roomBytes: bytes,
      memoryBytes: bytes,
      cpus: z.int(),
    }),
  },

  /** Gives a file of a store to other nodes, by its index. On the frontend. */
  'serve-stored': {
    request: z.object({ file: deployedFile, store: path, indexPath: path }),
    result: nothing,
  },
  /**
   * Gives a file of a store to be read over NBD, unencrypted, by whoever knows the name of the
   * export; until the agent leaves. Idempotent. On the frontend.
   */
  'serve-disk': {
    request: z.object({ file: deployedFile, store: path, indexPath: path }),
    result: z.object({ port, exportName: z.string().check(z.regex(/^[A-Za-z0-9-]{1,128}$/)) }),
  },
  /** Hashes a file and gives it to other nodes. On the frontend. */
  'serve-file': { request: z.object({ path }), result: deployedFile },
  /** Which of the files are here, whole. */
  present: {
    request: z.object({ files: z.array(deployedFile) }),
    result: z.object({ digests: z.array(digest) }),
  },
  /**
   * Gets a file from another node into the cache, unless it is here; others may get it from here
   * from the moment of the call on, as it comes.
   */
  fetch: {
    request: z.object({ file: deployedFile, from: peer }),
    result: z.object({
      /** Bytes of frames that came over the network. */
      wireBytes: bytes,
      chunks: bytes,
      /** It was here already. */
      wasPresent: z.boolean(),
    }),
  },
  /** How far fetches have come. */
  progress: {
    request: nothing,
    result: z.object({ files: z.array(z.object({ digest, doneBytes: bytes })) }),
  },

  create: { request: wantedVm, result: nothing },
  start: { request: vm, result: nothing },
  pause: { request: vm, result: nothing },
  resume: { request: vm, result: nothing },
  suspend: { request: vm, result: nothing },
  stop: { request: vm, result: nothing },
  shutdown: {
    request: z.object({ vm: vmName, limitMs: milliseconds }),
    result: z.object({ how: z.enum(['clean', 'forced']) }),
  },
  /**
   * Has a machine that reads its disk over NBD read the file in the cache from now on, and go on if
   * it stood still for want of the disk. Does nothing for others. Idempotent.
   */
  'switch-base': { request: vm, result: nothing },
  /** Removes a machine with all its files here. Idempotent. */
  remove: { request: vm, result: nothing },
  /** All machines here, or those of one job. */
  look: {
    request: z.object({ job: z.nullable(vmName) }),
    result: z.object({ vms: z.array(foundVm) }),
  },
  /** What a machine was made from; null for one that no job of ours has made. */
  describe: { request: vm, result: z.object({ wanted: z.nullable(wantedVm) }) },
  /** What the command has said, from a byte on; at most 256 KiB at once. `source` picks which. */
  log: {
    request: z.object({ vm: vmName, source: z.enum(['command', 'console']), offset: bytes }),
    result: z.object({ text: z.string(), nextOffset: bytes, totalBytes: bytes }),
  },

  /**
   * The cut, for each machine: `prepare-snapshot` (without memory, so that what follows is quick),
   * `freeze`, `snapshot`, `thaw`, then `finish-snapshot`. `thaw` also undoes what was prepared.
   */
  'prepare-snapshot': { request: z.object({ vm: vmName, full: z.boolean() }), result: nothing },
  freeze: {
    request: z.object({ vm: vmName, limitMs: milliseconds, holdMs: milliseconds }),
    result: z.object({ frozen: z.boolean() }),
  },
  snapshot: {
    request: z.object({ vm: vmName, memory: z.boolean(), full: z.boolean() }),
    result: nothing,
  },
  /** Lets the machine go on after `freeze`, `snapshot`, or both. Idempotent. */
  thaw: {
    request: vm,
    result: z.object({
      /** From when the guest was frozen, or its processors stopped, until it went on. */
      pausedMs: milliseconds,
    }),
  },
  /**
   * Waits until the snapshot is whole, and gives its files names of their own, in the directory of
   * the cut: `VM-DISK.raw`, `VM-memory` (with memory), and `VM-vm.json`: see `vmDescription`.
   */
  'finish-snapshot': {
    request: z.object({ vm: vmName, cut: vmName }),
    result: z.object({
      /** All of them lie in one directory, the same for all machines of the cut here. */
      files: z.array(snapshotFile),
      disks: z.array(
        z.object({
          disk: z.string(),
          mode: z.enum(['full', 'incremental']),
          reason: z.nullable(text),
          dirtyBytes: z.nullable(bytes),
          copiedBytes: bytes,
        }),
      ),
    }),
  },
  /** Removes the files of a cut; what the next incremental snapshot needs stays. Idempotent. */
  'drop-cut': { request: z.object({ cut: vmName }), result: nothing },
  /**
   * Makes a machine from a snapshot, whose files are in the cache, as are those that it starts from.
   * With memory it is `paused` where the snapshot was taken, otherwise `defined`.
   */
  restore: {
    request: z.object({
      description: vmDescription,
      disks: z.record(z.string(), deployedFile),
      memory: z.nullable(deployedFile),
    }),
    result: z.object({ state: vmState }),
  },

  /** On the target: makes room for a machine that comes from elsewhere. */
  'prepare-migration': {
    request: z.object({
      wanted: wantedVm,
      address: z.string(),
      sharedStorage: z.boolean(),
      /** The node that it comes from, which alone is let in. */
      source: z.string(),
    }),
    result: z.object({
      endpoint: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    }),
  },
  /** On the source. */
  migrate: {
    request: z.object({
      vm: vmName,
      /** The node that it goes to, which must prove that. */
      target: z.string(),
      endpoint: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
      sharedStorage: z.boolean(),
      limitMs: milliseconds,
      downtimeLimitMs: milliseconds,
      bytesPerSecond: z.nullable(z.number()),
    }),
    result: z.object({ totalMs: milliseconds, downtimeMs: milliseconds, movedBytes: bytes }),
  },
  /**
   * On the target, when the source is through: the machine runs here. `events` and `log` are what
   * the job runner and the command had said on hosts before.
   */
  'finish-migration': {
    request: z.object({ vm: vmName, events: z.array(text), log: z.string() }),
    result: nothing,
  },
  'abandon-migration': { request: vm, result: nothing },

  /** Removes all machines of a job here, and what belongs to them; the cache stays. Idempotent. */
  clean: {
    request: z.object({ job: vmName }),
    result: z.object({ removed: z.array(vmName) }),
  },
} satisfies CallTable;

export type HostCalls = typeof HOST_CALLS;
export type HostCaller = Caller<HostCalls>;
export type DeployedFile = z.infer<typeof deployedFile>;
export type WantedVm = z.infer<typeof wantedVm>;
export type VmDescription = z.infer<typeof vmDescription>;
export type FoundVm = z.infer<typeof foundVm>;
