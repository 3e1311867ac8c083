import { Buffer } from 'node:buffer';
import { open, type FileHandle } from 'node:fs/promises';
import { KgetError } from '../../base/error.ts';

/**
 * The on-disk format is in Documentation/filesystems/ext4 of Linux. Offsets of fields, in bytes.
 */
const SUPERBLOCK_OFFSET = 1024;
const SUPERBLOCK_BYTES = 1024;
const SUPERBLOCK = {
  inodesCount: 0,
  firstDataBlock: 20,
  logBlockSize: 24,
  inodesPerGroup: 40,
  magic: 56,
  inodeSize: 88,
  incompatible: 96,
  readOnlyCompatible: 100,
  descriptorSize: 254,
} as const;
const MAGIC = 0xef53;
const INCOMPATIBLE_META_BG = 0x10;
const INCOMPATIBLE_64BIT = 0x80;
/** With it each inode has a checksum. */
const METADATA_CHECKSUMS = 0x400;
const GROUP = { inodeTableLow: 8, unusedInodesLow: 28, inodeTableHigh: 40 } as const;
const INODE = { mode: 0, accessed: 8, changed: 12, modified: 16 } as const;
/** The same with nanoseconds, in inodes of 256 bytes. */
const EXTRA = { changed: 132, modified: 136, accessed: 140, end: 160 } as const;

/**
 * Sets the times of access and of change of all inodes to those of modification, so that the same
 * files give the same image: mke2fs takes the times of the files here, which nobody can set.
 */
export async function settleTimes(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  const superblock = await read(file, SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES);
  const incompatible = superblock.readUInt32LE(SUPERBLOCK.incompatible);
  const isOurs =
    superblock.readUInt16LE(SUPERBLOCK.magic) === MAGIC &&
    (incompatible & INCOMPATIBLE_META_BG) === 0 &&
    (superblock.readUInt32LE(SUPERBLOCK.readOnlyCompatible) & METADATA_CHECKSUMS) === 0;
  if (!isOurs) {
    throw new KgetError('corrupt', `Cannot settle times in ${path}: not an ext4 as we make it`);
  }
  const blockBytes = 1024 << superblock.readUInt32LE(SUPERBLOCK.logBlockSize);
  const wide = (incompatible & INCOMPATIBLE_64BIT) !== 0;
  const descriptorBytes = wide ? superblock.readUInt16LE(SUPERBLOCK.descriptorSize) : 32;
  const inodesPerGroup = superblock.readUInt32LE(SUPERBLOCK.inodesPerGroup);
  const inodeBytes = superblock.readUInt16LE(SUPERBLOCK.inodeSize);
  const groups = superblock.readUInt32LE(SUPERBLOCK.inodesCount) / inodesPerGroup;
  const table = (superblock.readUInt32LE(SUPERBLOCK.firstDataBlock) + 1) * blockBytes;
  const descriptors = await read(file, table, groups * descriptorBytes);
  for (let group = 0; group < groups; group += 1) {
    const at = group * descriptorBytes;
    const high = wide ? descriptors.readUInt32LE(at + GROUP.inodeTableHigh) : 0;
    const block = high * 2 ** 32 + descriptors.readUInt32LE(at + GROUP.inodeTableLow);
    const used = inodesPerGroup - descriptors.readUInt16LE(at + GROUP.unusedInodesLow);
    await settleTable(file, { offset: block * blockBytes, count: used, inodeBytes });
  }
}

/** The inodes of one group; at most 64 Ki by the format, 16 MiB. */
async function settleTable(
  file: FileHandle,
  table: { readonly offset: number; readonly count: number; readonly inodeBytes: number },
): Promise<void> {
  if (table.count === 0) return;
  const inodes = await read(file, table.offset, table.count * table.inodeBytes);
  for (let at = 0; at < inodes.length; at += table.inodeBytes) {
    if (inodes.readUInt16LE(at + INODE.mode) === 0) continue;
    inodes.copy(inodes, at + INODE.accessed, at + INODE.modified, at + INODE.modified + 4);
    inodes.copy(inodes, at + INODE.changed, at + INODE.modified, at + INODE.modified + 4);
    if (table.inodeBytes < EXTRA.end) continue;
    inodes.copy(inodes, at + EXTRA.accessed, at + EXTRA.modified, at + EXTRA.modified + 4);
    inodes.copy(inodes, at + EXTRA.changed, at + EXTRA.modified, at + EXTRA.modified + 4);
  }
  await file.write(inodes, 0, inodes.length, table.offset);
}

async function read(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, offset);
  if (bytesRead === length) return buffer;
  throw new KgetError('corrupt', `Cannot read an ext4: ${length} B wanted at ${offset}`);
}
