import { existsSync, readFileSync, statSync } from 'node:fs';
import * as z from 'zod/mini';
import { KgetError } from '../../base/error.ts';
import type { SnapshotFiles } from '../hypervisor.ts';
import { snapshotDisks, vmSpec, type VmSpec } from '../vm-spec.ts';
import { diskOver, type SimulatedDisk } from './disk.ts';
import type { GuestMemory } from './guest.ts';
import type { SimulatedMachine } from './machine.ts';

/** The file `memory`: what the guest remembers, and how much it has written. */
const savedMemory = z.object({
  memory: z.object({
    ranMs: z.number(),
    stepsDone: z.int(),
    offAtMs: z.nullable(z.number()),
    ignoresButton: z.boolean(),
  }),
  writtenBytes: z.record(z.string(), z.number()),
});

/** The file `memory.json`. */
const description = z.object({ spec: vmSpec });

/** The contents of the files that a snapshot with memory has, by their names. */
export function saveMemory({ memory, disks, spec }: SimulatedMachine): {
  readonly memory: string;
  readonly 'memory.json': string;
} {
  const writtenBytes = Object.fromEntries(
    [...disks].map(([name, disk]) => [name, disk.writtenBytes]),
  );
  return {
    memory: JSON.stringify({ memory, writtenBytes }),
    'memory.json': JSON.stringify({ spec }),
  };
}

/** What a machine is made from that a snapshot is of; no memory if it has none. */
export interface SavedMachine {
  readonly disks: ReadonlyMap<string, SimulatedDisk>;
  readonly memory: GuestMemory | null;
}

/** @throws KgetError `corrupt` if the files do not fit the machine */
export function readSnapshot(spec: VmSpec, files: SnapshotFiles): SavedMachine {
  const wanted = snapshotDisks(spec);
  const found = Object.keys(files.disks);
  if (wanted.toSorted().join(' ') !== found.toSorted().join(' ')) {
    throw unfit(spec, `disks ${found.join(', ') || '(none)'} found, ${wanted.join(', ')} wanted`);
  }
  const saved = files.memory === null ? null : readMemory(spec, files.memory);
  const disks = wanted.map((name): [string, SimulatedDisk] => {
    const path = files.disks[name] ?? '';
    if (!existsSync(path)) throw unfit(spec, `there is no file ${path}`);
    const base = { path, format: 'raw' } as const;
    return [name, diskOver(base, statSync(path).size, saved?.writtenBytes[name] ?? 0)];
  });
  return { disks: new Map(disks), memory: saved?.memory ?? null };
}

function readMemory(
  spec: VmSpec,
  files: NonNullable<SnapshotFiles['memory']>,
): z.infer<typeof savedMemory> {
  const saved = readJson(spec, { path: files.state, schema: savedMemory });
  const { spec: was } = readJson(spec, { path: files.description, schema: description });
  if (was.memoryBytes !== spec.memoryBytes || was.cpus !== spec.cpus || was.arch !== spec.arch) {
    throw unfit(spec, `${files.description} is of another kind of machine`);
  }
  return saved;
}

function readJson<T>(spec: VmSpec, file: { path: string; schema: z.ZodMiniType<T> }): T {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file.path, 'utf8'));
  } catch (cause) {
    throw unfit(spec, `${file.path} cannot be read`, cause);
  }
  const parsed = file.schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw unfit(spec, `${file.path} is not of a simulated machine`, parsed.error);
}

function unfit({ name }: VmSpec, found: string, cause?: unknown): KgetError {
  return new KgetError('corrupt', `Cannot restore machine "${name}": ${found}`, { cause });
}
