import * as z from 'zod/mini';

/**
 * A virtual machine as it is to be made, on one host: all paths are that host's, and absolute. It
 * crosses the control channel, lies beside the machine on its host, and goes into snapshots.
 */

/** Names of machines: `JOB.NUMBER`, or whatever a libvirt domain is called. */
const MAX_NAME_CHARACTERS = 64;

const name = z
  .string()
  .check(z.maxLength(MAX_NAME_CHARACTERS), z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/));

const path = z.string().check(z.regex(/^\/[^\0]*$/));

const sizeBytes = z.int().check(z.positive());

const format = z.enum(['raw', 'qcow2']);

/** What a copy-on-write disk starts from. */
const base = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('file'), path, format }),
  /** An NBD export, to boot before the image has arrived; `url` as qemu has it: nbd://HOST:PORT/NAME */
  z.object({ kind: z.literal('nbd'), url: z.string(), format }),
]);

const disk = z.discriminatedUnion('access', [
  /** What the guest writes goes into a qcow2 file of the machine's own. */
  z.object({ name, access: z.literal('copy-on-write'), base }),
  /** Not part of snapshots: it is the same all the time. */
  z.object({ name, access: z.literal('read-only'), path, format }),
  /** Not part of snapshots: its file is the caller's. */
  z.object({ name, access: z.literal('read-write'), path, format }),
]);

/** A virtio serial port: the guest finds it as /dev/virtio-ports/NAME. */
const channel = z.discriminatedUnion('kind', [
  /** What the guest writes is appended to a file. */
  z.object({ kind: z.literal('file'), name: z.string(), path }),
  /** The guest agent's, `org.qemu.guest_agent.0`; the implementation keeps its socket. */
  z.object({ kind: z.literal('guest-agent') }),
]);

const boot = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('disk') }),
  z.object({
    kind: z.literal('kernel'),
    kernel: path,
    initramfs: z.nullable(path),
    commandLine: z.string(),
  }),
]);

export const vmSpec = z.object({
  name,
  arch: z.enum(['x86_64', 'aarch64']),
  cpus: z.int().check(z.gte(1), z.lte(1024)),
  memoryBytes: sizeBytes,
  boot,
  /** The first one is the root disk. Each gets its name as virtio serial. */
  disks: z.array(disk).check(z.minLength(1), z.maxLength(16)),
  channels: z.array(channel).check(z.maxLength(16)),
  /** Where the console goes; the first 16 MiB, say: see the implementation. */
  consolePath: z.nullable(path),
  /** `user`: the guest reaches out through its host, and nobody reaches it. */
  network: z.enum(['none', 'user']),
});

export type VmSpec = Readonly<z.infer<typeof vmSpec>>;
export type VmDisk = VmSpec['disks'][number];
export type VmBoot = VmSpec['boot'];

/** The disks that snapshots are of. */
export function snapshotDisks(spec: VmSpec): readonly string[] {
  return spec.disks.filter(({ access }) => access === 'copy-on-write').map((it) => it.name);
}
