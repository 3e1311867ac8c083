/** What of a qcow2 file must hold for a machine to run from it. Source: qemu's docs/interop/qcow2.txt. */
import { KgetError } from '../../base/error.ts';
import { pause } from '../../content/pause.ts';
import { QCOW2_HEAD_BYTES, qcow2Dependency } from '../../restore/qcow2-header.ts';
import type { OpenedFile } from './read-head.ts';

const MAGIC = 0x514649fb;

/** QEMU's own limits: MIN_CLUSTER_BITS, MAX_CLUSTER_BITS and QCOW_MAX_L1_SIZE of block/qcow2.h. */
const CLUSTER_BITS = { min: 9, max: 21 };
const MAX_L1_BYTES = 32 * 1024 * 1024;

/** Bits 9 to 55 of an entry are an offset in the file. */
const OFFSET_MASK = 0x00fffffffffffe00n;
const COMPRESSED = 1n << 62n;
const SECTOR_BYTES = 512;

/** Incompatible features: L2 entries of 16 bytes with subclusters, bit 4. */
const EXTENDED_L2 = 1n << 4n;
/** The dirty and the corrupt bit. */
const CORRUPT = 1n << 1n;

export function isQcow2(head: Buffer): boolean {
  return head.length >= 4 && head.readUInt32BE(0) === MAGIC;
}

interface Header {
  readonly clusterBits: number;
  readonly sizeBytes: number;
  readonly l1Offset: number;
  readonly l1Entries: number;
  readonly l2EntryBytes: number;
}

/**
 * Checks that a qcow2 file is a disk by itself and that what its tables name is in it; returns the
 * size of the disk as guests see it. Reads tables, not data. Bounded memory: one table at a time.
 * @throws KgetError `usage` for one that needs other files or a key, `corrupt` for one that is
 * damaged or cut off
 */
export async function checkQcow2(file: OpenedFile): Promise<number> {
  const header = headerOf(file);
  const clusterBytes = 2 ** header.clusterBits;
  const l1Bytes = header.l1Entries * 8;
  confirmIn(file, { offset: header.l1Offset, length: l1Bytes, clusterBytes });
  const tables = [...offsetsIn(file.read(header.l1Offset, l1Bytes), 8)];
  // Each table has a cluster of its own: without this a small file could keep us reading for days.
  if (tables.length > file.sizeBytes / clusterBytes) {
    throw damaged(file, `found ${tables.length} tables in ${file.sizeBytes} B`);
  }
  // Each is read once, whoever names it: all of them together are not more than the file.
  const offsets = new Set(tables.map((entry) => Number(entry & OFFSET_MASK)));
  offsets.delete(0);
  for (const offset of offsets) {
    if (offset % clusterBytes !== 0) throw damaged(file, `found a table at byte ${offset}`);
    confirmIn(file, { offset, length: clusterBytes, clusterBytes });
    const l2 = file.read(offset, clusterBytes);
    for (const cluster of offsetsIn(l2, header.l2EntryBytes)) {
      confirmIn(file, { ...placeOf(cluster, header.clusterBits), clusterBytes });
    }
    await pause();
  }
  return header.sizeBytes;
}

function headerOf(file: OpenedFile): Header {
  const head = file.read(0, QCOW2_HEAD_BYTES);
  // Version 2 ends after 72 bytes, but no file is so short.
  if (head.length < QCOW2_HEAD_BYTES) throw cutOff(file, 'its header');
  const dependency = qcow2Dependency(head);
  if (dependency !== undefined) {
    throw refusal(file, `${dependency}; make one file of it with qemu-img convert -O qcow2`);
  }
  const version = head.readUInt32BE(4);
  const features = version >= 3 ? head.readBigUInt64BE(72) : 0n;
  const clusterBits = head.readUInt32BE(20);
  const size = head.readBigUInt64BE(24);
  const l1Entries = head.readUInt32BE(36);
  if (version !== 2 && version !== 3)
    throw refusal(file, `found version ${version}, wanted 2 or 3`);
  if (head.readUInt32BE(32) !== 0) throw refusal(file, 'it is encrypted; wanted one that is not');
  if ((features & CORRUPT) !== 0n) {
    throw damaged(file, 'it is marked as corrupt; repair it with qemu-img check -r all');
  }
  if (clusterBits < CLUSTER_BITS.min || clusterBits > CLUSTER_BITS.max) {
    throw damaged(file, `found clusters of 2^${clusterBits} B, wanted 2^9 to 2^21`);
  }
  if (l1Entries * 8 > MAX_L1_BYTES || size === 0n || size > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw damaged(file, `found a disk of ${size} B with ${l1Entries} tables`);
  }
  const l1Offset = head.readBigUInt64BE(40);
  const l2EntryBytes = (features & EXTENDED_L2) === 0n ? 8 : 16;
  return {
    clusterBits,
    sizeBytes: Number(size),
    l1Offset: Number(l1Offset),
    l1Entries,
    l2EntryBytes,
  };
}

function* offsetsIn(table: Buffer, entryBytes: number): Generator<bigint, void, void> {
  for (let at = 0; at + 8 <= table.length; at += entryBytes) {
    const entry = table.readBigUInt64BE(at);
    if (entry !== 0n) yield entry;
  }
}

/** Where an entry of an L2 table says that its data is; nowhere for zeros. */
function placeOf(
  entry: bigint,
  clusterBits: number,
): { readonly offset: number; readonly length: number } {
  if ((entry & COMPRESSED) === 0n) {
    const offset = Number(entry & OFFSET_MASK);
    return { offset, length: offset === 0 ? 0 : 2 ** clusterBits };
  }
  const bits = BigInt(62 - (clusterBits - 8));
  const offset = Number(entry & ((1n << bits) - 1n));
  const sectors = Number((entry & (COMPRESSED - 1n)) >> bits) + 1;
  return { offset, length: sectors * SECTOR_BYTES - (offset % SECTOR_BYTES) };
}

/**
 * The file's last cluster may be there in part, as qemu's qcow2_inc_refcounts_imrt allows it
 * (block/qcow2-refcount.c).
 */
function confirmIn(
  file: OpenedFile,
  place: { readonly offset: number; readonly length: number; readonly clusterBytes: number },
): void {
  const { offset, length, clusterBytes } = place;
  const beyond = offset + length - file.sizeBytes;
  const isThere = beyond < clusterBytes && (length === 0 || offset < file.sizeBytes);
  if (!isThere) throw cutOff(file, `what it has at byte ${offset}`);
}

function cutOff(file: OpenedFile, what: string): KgetError {
  const found = `${what} is beyond its end at ${file.sizeBytes} B: it is cut off; fetch it again`;
  return damaged(file, found);
}

function damaged({ path }: OpenedFile, found: string): KgetError {
  return new KgetError('corrupt', `Cannot import qcow2 file ${path}: ${found}`);
}

function refusal({ path }: OpenedFile, found: string): KgetError {
  return new KgetError('usage', `Cannot import qcow2 file ${path}: ${found}`);
}
