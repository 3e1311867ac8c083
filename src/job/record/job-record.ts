import * as z from 'zod/mini';
import { deployedFile } from '../../control/host-calls.ts';
import { MAX_VMS } from '../job-file-fields.ts';
import type { JobSpec } from '../job-spec.ts';

/**
 * What must outlive the command that drives a job, which alone writes it: one record a line, in the
 * form of coordinator/journal-lines.ts. docs/formats.md describes the file.
 */

const vm = z.string();
const node = z.string();
/** ISO 8601. */
const at = z.string();
const bytes = z.int().check(z.nonnegative());

const ending = z.object({ snapshot: z.enum(['none', 'disk', 'memory']), keep: z.boolean() });

/** See `JobSpec`. */
const specFields: z.ZodMiniType<JobSpec> = z.object({
  name: z.string(),
  nodes: z.array(node),
  vmsPerNode: z.int().check(z.gte(1)),
  image: z.string(),
  hypervisor: z.enum(['qemu', 'libvirt']),
  cpus: z.int(),
  memoryBytes: bytes,
  network: z.enum(['none', 'user']),
  inputs: z.array(z.object({ path: z.string(), name: z.string() })),
  command: z.string(),
  environment: z.record(z.string(), z.string()),
  outputs: z.array(z.string()),
  outputRoomBytes: bytes,
  timeLimitMs: z.nullable(z.number()),
  bootLimitMs: z.number(),
  shutdownLimitMs: z.number(),
  onSuccess: ending,
  onFailure: ending,
  bootFrom: z.enum(['cache', 'store']),
});

/** A journal is not to make whoever reads it build more machines than a job file could ask for. */
const jobSpec = specFields.check(
  z.refine(({ nodes, vmsPerNode }) => nodes.length * vmsPerNode <= MAX_VMS, {
    error: `a job has at most ${MAX_VMS} machines`,
  }),
);

/** How the nodes of a job are reached, by whoever takes it up again. */
const access = z.object({
  ssh: z.string(),
  launcher: z.enum(['ssh', 'local']),
  remoteNode: z.nullable(z.string()),
  /** Where machines lie on nodes; null for the usual place. */
  directory: z.nullable(z.string()),
  memoryLimitBytes: z.nullable(bytes),
  /** Where the disks of machines lie, on storage that all nodes share; null if they share none. */
  sharedDirectory: z.nullable(z.string()),
  /** Gives a node back; `{node}` is replaced. */
  onRelease: z.nullable(z.string()),
  /** Machines that boot at once. */
  booting: z.int(),
});

/** How a machine's part of the job ended. */
const outcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('exit'), status: z.int() }),
  z.object({
    kind: z.literal('failed'),
    reason: z.enum([
      'panicked',
      'never-booted',
      'time-limit',
      'ended',
      'killed',
      'lost',
      'runner',
      /** It could not be made or started. */
      'not-created',
      'cancelled',
    ]),
    detail: z.string(),
  }),
]);

/** What the machines are made from: as the image was when the job was submitted. */
const imageParts = z.object({
  id: z.string(),
  name: z.string(),
  arch: z.enum(['x86_64', 'aarch64']),
  format: z.enum(['raw', 'qcow2']),
  boot: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('disk') }),
    z.object({ kind: z.literal('kernel'), commandLine: z.string() }),
  ]),
  parts: z.array(
    z.object({
      role: z.enum(['disk', 'kernel', 'initramfs']),
      name: z.string(),
      sizeBytes: bytes,
      digest: z.string(),
    }),
  ),
});

const kind = z.enum(['disk', 'memory']);

export const jobRecord = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('submitted'),
    job: z.string(),
    at,
    spec: jobSpec,
    access,
    image: imageParts,
    /** The archive of input files; null if there are none. */
    inputs: z.nullable(deployedFile),
    command: z.array(z.string()),
    user: z.string(),
    host: z.string(),
  }),
  /** The node has all files, so many seconds after the deployment began. */
  z.object({ type: z.literal('deployed'), node, wireBytes: bytes, seconds: z.number() }),
  /** Its host is about to make it: from then on something of it may be on its node. */
  z.object({ type: z.literal('created'), vm }),
  /** Its command was seen to run. */
  z.object({ type: z.literal('started'), vm, node, at }),
  /** Seen to be held, on somebody's request. */
  z.object({ type: z.literal('paused'), vm }),
  z.object({ type: z.literal('suspended'), vm }),
  /** It goes on, after a pause or from what was saved of it. */
  z.object({ type: z.literal('resumed'), vm }),
  /** It was seen on another node than before; the downtime is null where nobody told it. */
  z.object({
    type: z.literal('moved'),
    vm,
    from: node,
    to: node,
    downtimeMs: z.nullable(z.number()),
    at,
  }),
  z.object({
    type: z.literal('ended'),
    vm,
    /** Where it was last seen. */
    node,
    outcome,
    outputBytes: z.nullable(bytes),
    at,
  }),
  /** Snapshots were taken at one cut, and lie on the nodes. */
  z.object({
    type: z.literal('cut'),
    cut: z.string(),
    kind,
    nodes: z.array(node),
    patterns: z.array(z.string()),
    vms: z.array(
      z.object({ vm, node, pausedMs: z.number(), frozen: z.boolean(), copiedBytes: bytes }),
    ),
    at,
  }),
  /** The snapshots of a cut are safe in the store. */
  z.object({ type: z.literal('snapshot'), cut: z.string(), run: z.string(), at }),
  /** Its outputs are safe in this directory. */
  z.object({ type: z.literal('outputs'), vm, directory: z.string() }),
  z.object({ type: z.literal('shut-down'), vm, how: z.enum(['clean', 'forced']) }),
  /** Nothing of the job is on the node any more. */
  z.object({ type: z.literal('released'), node, at }),
  /** The release command has succeeded for a node that was released. */
  z.object({ type: z.literal('given-back'), node }),
  z.object({ type: z.literal('cancelled'), at }),
  z.object({
    type: z.literal('finished'),
    state: z.enum(['succeeded', 'failed', 'cancelled']),
    /** Machines were kept; the job is over when it is cancelled. */
    kept: z.boolean(),
    at,
  }),
]);

export type JobRecord = z.infer<typeof jobRecord>;
export type RecordOf<Type extends JobRecord['type']> = Extract<JobRecord, { type: Type }>;
export type JobAccess = z.infer<typeof access>;
export type JobImage = z.infer<typeof imageParts>;
export type JobOutcome = z.infer<typeof outcome>;
