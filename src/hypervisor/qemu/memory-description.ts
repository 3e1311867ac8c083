import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { KgetError } from '../../base/error.ts';
import { parseDocument } from '../../base/parse-document.ts';
import { vmSpec, type VmSpec } from '../vm-spec.ts';
import type { Machine } from './machine.ts';

const SCHEMA = 'kgetplus.memory/1';

const fields = z.object({
  schema: z.literal(SCHEMA),
  hypervisor: z.literal('qemu'),
  qemuVersion: z.string(),
  machineType: z.string(),
  accelerator: z.enum(['kvm', 'tcg']),
  spec: vmSpec,
});

export type MemoryDescription = Readonly<z.infer<typeof fields>>;

/** The text of `memory.json`: what it takes to go on with a saved memory. */
export async function describeMemory({ host, record }: Machine): Promise<string> {
  const { spec, machineType } = record;
  const description: MemoryDescription = {
    schema: SCHEMA,
    hypervisor: 'qemu',
    qemuVersion: await host.programs.version(),
    machineType,
    accelerator: await host.programs.accelerator(spec.arch),
    spec,
  };
  return `${JSON.stringify(description, undefined, 2)}\n`;
}

/** @throws KgetError `corrupt` if there is no such file, or it is none */
export function readDescription(path: string): MemoryDescription {
  if (!existsSync(path)) {
    throw new KgetError('corrupt', `Cannot restore: there is no description of memory at ${path}`);
  }
  const source = { text: readFileSync(path, 'utf8'), file: path };
  return parseDocument(source, { title: 'description of memory', schema: SCHEMA, fields });
}

/** @throws KgetError `corrupt` if memory that is described so is not that of such a machine */
export function confirmFits(description: MemoryDescription, spec: VmSpec): void {
  const [found, wanted] = [hardware(description.spec), hardware(spec)];
  for (const [index, value] of wanted.entries()) {
    if (value === found[index]) continue;
    throw new KgetError(
      'corrupt',
      `Cannot restore "${spec.name}": its memory is of a machine with ${found[index]}, ` +
        `wanted ${value}`,
    );
  }
}

/** What the guest sees of a machine, and its memory knows of. */
function hardware(spec: VmSpec): string[] {
  return [
    `architecture ${spec.arch}`,
    `${spec.cpus} processors`,
    `${spec.memoryBytes} bytes of memory`,
    `disks ${spec.disks.map(({ name }) => name).join(', ')}`,
    `ports ${spec.channels.map((it) => (it.kind === 'file' ? it.name : it.kind)).join(', ')}`,
    `network "${spec.network}"`,
  ];
}
