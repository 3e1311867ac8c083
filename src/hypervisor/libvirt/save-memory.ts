import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { parseDocument, type DocumentSource } from '../../base/parse-document.ts';
import type { DriverContext } from './context.ts';
import { domainDisks } from './domains.ts';
import type { SnapshotPlan } from './snapshot-plan.ts';

/** Writing the whole memory: 256 GiB at 100 MB/s. */
const SAVE_LIMIT_MS = 3_600_000;

const SCHEMA = 'kgetplus.libvirt-memory/1';

const fields = z.object({
  schema: z.literal(SCHEMA),
  machine: z.string(),
  /** What ran the guest's code: it goes on with no other. */
  type: z.enum(['kvm', 'qemu']),
});

/** What lies beside saved memory; the machine itself is described in the memory's file. */
export type MemoryDescription = Readonly<z.infer<typeof fields>>;

/** @throws KgetError `corrupt`, `version` */
export function parseMemoryDescription(source: DocumentSource): MemoryDescription {
  return parseDocument(source, { title: 'description of saved memory', schema: SCHEMA, fields });
}

export function formatMemoryDescription(description: Omit<MemoryDescription, 'schema'>): string {
  return `${JSON.stringify({ schema: SCHEMA, ...description }, undefined, 2)}\n`;
}

/** Where memory is written, before the snapshot is complete. */
export function freshMemoryPath(directory: string): string {
  return join(directory, '.memory');
}

/**
 * Writes the memory of a machine, which is paused, and stays so: the disks must be fixed at the
 * same moment.
 */
export async function saveMemory(
  { virsh }: DriverContext,
  { domain, request }: SnapshotPlan,
): Promise<void> {
  const { name } = domain;
  const path = freshMemoryPath(request.directory);
  await rm(path, { force: true });
  const without = domainDisks(domain).flatMap(({ target }) => [
    '--diskspec',
    `${target},snapshot=no`,
  ]);
  const memory = `file=${path.replaceAll(',', ',,')},snapshot=external`;
  const words = ['snapshot-create-as', name, '--no-metadata', '--memspec', memory, ...without];
  await virsh.run(words, SAVE_LIMIT_MS);
}
