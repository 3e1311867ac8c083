import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { KgetError } from '../../base/error.ts';
import type { DirtyMap } from '../hypervisor.ts';
import type { VmDisk } from '../vm-spec.ts';

/** Of what is dirty: as QEMU's bitmaps have it. */
export const BLOCK_BYTES = 65_536;

/** Of a disk whose base is elsewhere. */
const REMOTE_DISK_BYTES = 64 * 2 ** 20;

/** Where a qcow2 header says how large the disk is, big-endian: docs/interop/qcow2.txt of QEMU. */
const QCOW2_SIZE_OFFSET = 24;

type CopyOnWriteDisk = Extract<VmDisk, { readonly access: 'copy-on-write' }>;

/**
 * A disk whose guest writes one block behind the other, round and round: then a number says all of
 * what it holds. A written block begins with the number of the round and its own place.
 */
export interface SimulatedDisk {
  /** What it starts from, here: null if that is elsewhere. */
  base: { readonly path: string; readonly format: 'raw' | 'qcow2' } | null;
  readonly sizeBytes: number;
  /** What `base` holds of what was written. */
  readonly baseWrittenBytes: number;
  writtenBytes: number;
  /** The last snapshot that was finished. */
  mark: { readonly directory: string; readonly id: string; readonly writtenBytes: number } | null;
}

/** @throws KgetError `usage` if what it starts from is not there */
export function newDisk({ name, base }: CopyOnWriteDisk): SimulatedDisk {
  if (base.kind === 'nbd') return diskOver(null, REMOTE_DISK_BYTES);
  if (existsSync(base.path)) return diskOver(base, virtualSizeOf(base));
  throw new KgetError('usage', `Cannot make disk "${name}": there is no file ${base.path}`);
}

export function diskOver(
  base: SimulatedDisk['base'],
  sizeBytes: number,
  writtenBytes = 0,
): SimulatedDisk {
  return { base, sizeBytes, baseWrittenBytes: writtenBytes, writtenBytes, mark: null };
}

function virtualSizeOf({ path, format }: { path: string; format: 'raw' | 'qcow2' }): number {
  if (format === 'raw') return statSync(path).size;
  const file = openSync(path, 'r');
  try {
    const size = Buffer.alloc(8);
    readSync(file, size, 0, size.length, QCOW2_SIZE_OFFSET);
    return Number(size.readBigUInt64BE());
  } finally {
    closeSync(file);
  }
}

/** Blocks that were written from one count of written bytes to another, as runs, ascending. */
export function writtenRuns(
  sizeBytes: number,
  { fromBytes, toBytes }: { readonly fromBytes: number; readonly toBytes: number },
): DirtyMap['extents'] {
  const blocks = Math.ceil(sizeBytes / BLOCK_BYTES);
  const first = Math.floor(fromBytes / BLOCK_BYTES);
  const end = Math.ceil(toBytes / BLOCK_BYTES);
  const run = (from: number, to: number) => ({
    offset: from * BLOCK_BYTES,
    lengthBytes: Math.min(to * BLOCK_BYTES, sizeBytes) - from * BLOCK_BYTES,
  });
  if (toBytes <= fromBytes || blocks === 0) return [];
  if (end - first >= blocks) return [run(0, blocks)];
  const [from, to] = [first % blocks, end % blocks];
  if (from < to) return [run(from, to)];
  return to === 0 ? [run(from, blocks)] : [run(0, to), run(from, blocks)];
}

export function lengthOf(extents: DirtyMap['extents']): number {
  return extents.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
}

/** What is different from what it starts from. */
export function ownBytes({ sizeBytes, baseWrittenBytes, writtenBytes }: SimulatedDisk): number {
  return lengthOf(writtenRuns(sizeBytes, { fromBytes: baseWrittenBytes, toBytes: writtenBytes }));
}

/** Writes a disk, as it was when so much of it was written, to a raw file. */
export function writeRaw(disk: SimulatedDisk, path: string, toBytes: number): void {
  rmSync(path, { force: true });
  if (disk.base?.format === 'raw' && existsSync(disk.base.path)) {
    copyFileSync(disk.base.path, path, constants.COPYFILE_FICLONE);
  }
  updateRaw(disk, path, { fromBytes: disk.baseWrittenBytes, toBytes });
}

/** Brings a raw file of a disk forward. */
export function updateRaw(
  { sizeBytes }: SimulatedDisk,
  path: string,
  { fromBytes, toBytes }: { readonly fromBytes: number; readonly toBytes: number },
): void {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    ftruncateSync(file, sizeBytes);
    const blocks = Math.ceil(sizeBytes / BLOCK_BYTES);
    const end = Math.ceil(toBytes / BLOCK_BYTES);
    const first = Math.max(Math.floor(fromBytes / BLOCK_BYTES), end - blocks);
    for (let place = first; place < end; place += 1) {
      const at = (place % blocks) * BLOCK_BYTES;
      writeSync(file, stampOf(place, blocks), 0, null, at);
    }
    ftruncateSync(file, sizeBytes);
  } finally {
    closeSync(file);
  }
}

/** How a block begins that was the `place`th to be written. */
export function stampOf(place: number, blocks: number): Buffer {
  const stamp = Buffer.alloc(16);
  stamp.writeBigUInt64LE(BigInt(Math.floor(place / blocks) + 1), 0);
  stamp.writeBigUInt64LE(BigInt(place % blocks), 8);
  return stamp;
}
