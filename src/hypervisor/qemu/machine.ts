import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { KgetError } from '../../base/error.ts';
import { parseDocument } from '../../base/parse-document.ts';
import type { Clock } from '../../base/clock.ts';
import { replaceFile } from '../../content/durable.ts';
import { vmSpec, type VmSpec } from '../vm-spec.ts';
import { placesOf, type Places } from './places.ts';
import type { Programs } from './programs.ts';
import type { Sessions } from './sessions.ts';

const SCHEMA = 'kgetplus.qemu-machine/1';

/** The bytes that a copy-on-write disk starts from, if they are not those of `spec`. */
const local = z.object({ path: z.string(), format: z.enum(['raw', 'qcow2']) });

const fields = z.object({
  schema: z.literal(SCHEMA),
  spec: vmSpec,
  /** By name of the disk. */
  bases: z.record(z.string(), local),
  /** The board, as QEMU calls it: memory fits no other. */
  machineType: z.string(),
  /** Where overlays lie that other hosts see, too; null for the machine's directory. */
  sharedDirectory: z.nullable(z.string()),
});

/** What a machine is, from `create` on until it is removed. */
export type MachineRecord = Omit<Readonly<z.infer<typeof fields>>, 'schema'>;

/** What all parts of the driver work with. */
export interface QemuHost {
  readonly directory: string;
  /** Where copy-on-write disks lie that can be shared with other hosts; null for nowhere. */
  readonly sharedDirectory: string | null;
  readonly clock: Clock;
  readonly programs: Programs;
  readonly sessions: Sessions;
}

export interface Machine {
  readonly name: string;
  readonly title: string;
  readonly host: QemuHost;
  readonly places: Places;
  readonly record: MachineRecord;
}

export const titleOf = (name: string): string => `machine "${name}"`;

/** @throws KgetError `usage` if there is none of this name */
export function findMachine(host: QemuHost, name: string): Machine {
  const places = placesOf(host.directory, name);
  if (!existsSync(places.record)) {
    throw new KgetError('usage', `There is no ${titleOf(name)} in ${host.directory}`);
  }
  const source = { text: readFileSync(places.record, 'utf8'), file: places.record };
  const record = parseDocument(source, { title: 'machine', schema: SCHEMA, fields });
  return { name, title: titleOf(name), host, places, record };
}

/** Makes the machine exist: the last step of making one. */
export async function writeRecord(places: Places, record: MachineRecord): Promise<void> {
  await replaceFile(places.record, `${JSON.stringify({ schema: SCHEMA, ...record })}\n`);
}

/** The file that takes what the guest writes to a copy-on-write disk. */
export function overlayOf(places: Places, record: MachineRecord, disk: string): string {
  const { sharedDirectory, spec } = record;
  return sharedDirectory === null
    ? join(places.directory, `${disk}.qcow2`)
    : join(sharedDirectory, `${spec.name}.${disk}.qcow2`);
}

/** What a copy-on-write disk starts from: what stands in the record comes first. */
export function baseOf(
  record: MachineRecord,
  disk: Extract<VmSpec['disks'][number], { access: 'copy-on-write' }>,
): typeof disk.base {
  const own = record.bases[disk.name];
  return own === undefined ? disk.base : { kind: 'file', ...own };
}
