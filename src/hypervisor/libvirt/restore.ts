import { readFile, rm, stat } from 'node:fs/promises';
import { KgetError } from '../../base/error.ts';
import type { Hypervisor, SnapshotFiles } from '../hypervisor.ts';
import type { VmSpec } from '../vm-spec.ts';
import { placesOf, type DriverContext } from './context.ts';
import { makeMachine, removeMachine } from './machines.ts';
import { EMPTY_RECORD } from './record.ts';
import { rehome } from './rehome.ts';
import { readSaveImage, writeSaveImage } from './save-image.ts';
import { parseMemoryDescription } from './save-memory.ts';

/** Reading the whole memory: 256 GiB at 100 MB/s. */
const RESTORE_LIMIT_MS = 3_600_000;

const SECTOR_BYTES = 512;

type SavedMemory = NonNullable<SnapshotFiles['memory']>;

/** Machines from snapshots. */
export function restoreCalls(context: DriverContext): Pick<Hypervisor, 'restore'> {
  return {
    async restore(spec, from) {
      const over = await specOver(spec, from);
      if (from.memory === null) {
        const record = { spec, restored: true };
        return makeMachine(context, { spec: over, record, disks: 'new' });
      }
      await restoreMemory(context, { spec, over, memory: from.memory });
    },
  };
}

async function restoreMemory(
  context: DriverContext,
  { spec, over, memory }: { spec: VmSpec; over: VmSpec; memory: SavedMemory },
): Promise<void> {
  await confirmDescription(context, memory);
  const image = await readSaveImage(memory.state);
  const places = placesOf(context, spec.name);
  const record = { ...EMPTY_RECORD, spec, started: true, restored: true };
  const xml = rehome(image.domain, { spec, places, record });
  await makeMachine(context, { spec: over, record, disks: 'new', xml });
  try {
    await writeSaveImage(places.memory, { path: memory.state, image }, xml);
    await context.virsh.run(['restore', places.memory, '--paused'], RESTORE_LIMIT_MS);
    await rm(places.memory, { force: true });
  } catch (error) {
    await removeMachine(context, spec.name);
    throw error;
  }
}

async function confirmDescription(context: DriverContext, memory: SavedMemory): Promise<void> {
  const file = memory.description;
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new KgetError('corrupt', `Cannot read ${file} as a snapshot: ${String(cause)}`, {
      cause,
    });
  });
  const { type } = parseMemoryDescription({ text, file });
  const here = await context.domainType();
  if (type === here) return;
  const found = `it was saved under ${type === 'kvm' ? 'KVM' : 'emulation'}`;
  const wanted = `this host has ${here === 'kvm' ? 'KVM' : 'emulation'}`;
  throw new KgetError('version', `Cannot restore memory from ${memory.state}: ${found}, ${wanted}`);
}

/** The machine with its copy-on-write disks over the files of the snapshot. */
async function specOver(spec: VmSpec, { disks }: SnapshotFiles): Promise<VmSpec> {
  const over: VmSpec['disks'] = [];
  for (const disk of spec.disks) {
    if (disk.access !== 'copy-on-write') {
      over.push(disk);
      continue;
    }
    const path = disks[disk.name];
    if (path === undefined) throw unfit(spec, `it has no file for disk "${disk.name}"`);
    const size = await stat(path).then(
      (it) => it.size,
      () => 0,
    );
    if (size === 0 || size % SECTOR_BYTES !== 0) throw unfit(spec, `${path} is no disk`);
    over.push({ ...disk, base: { kind: 'file', path, format: 'raw' } });
  }
  return { ...spec, disks: over };
}

function unfit({ name }: VmSpec, found: string): KgetError {
  return new KgetError('corrupt', `Cannot restore machine "${name}" from the snapshot: ${found}`);
}
