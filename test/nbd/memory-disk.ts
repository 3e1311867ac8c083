import assert from 'node:assert/strict';
import type { Disk, Exports, Extent } from '../../src/nbd/disk.ts';

/** A disk in memory that keeps to the contract, checks that its user does, and can be disturbed. */
export interface MemoryDisk extends Disk {
  readonly bytes: Buffer;
  /** Ranges that were read, in order. */
  readonly reads: { readonly offset: number; readonly lengthBytes: number }[];
  /** Calls that are under way. */
  underWay: number;
  isOpen: boolean;
  /** Called before each read; what it throws is thrown. */
  beforeRead: (offset: number) => void | Promise<void>;
}

export function memoryDisk(bytes: Buffer, blockBytes = 4096): MemoryDisk {
  const zeros = Buffer.alloc(blockBytes);
  const disk: MemoryDisk = {
    bytes,
    sizeBytes: bytes.length,
    blockBytes,
    reads: [],
    underWay: 0,
    isOpen: true,
    beforeRead: () => undefined,
    read: (offset, lengthBytes) =>
      during(async () => {
        check(offset, lengthBytes, Math.max(blockBytes, 1024 * 1024));
        disk.reads.push({ offset, lengthBytes });
        await disk.beforeRead(offset);
        return bytes.subarray(offset, offset + lengthBytes);
      }),
    extents: (offset, lengthBytes) =>
      during(() => {
        check(offset, lengthBytes, 256 * 1024 * 1024);
        return Promise.resolve(extentsOf(offset, lengthBytes));
      }),
    close: () => {
      assert.ok(disk.isOpen, 'closed once');
      assert.equal(disk.underWay, 0, 'nothing is under way when the disk is closed');
      disk.isOpen = false;
      return Promise.resolve();
    },
  };

  async function during<T>(action: () => Promise<T>): Promise<T> {
    assert.ok(disk.isOpen, 'the disk is open when it is used');
    disk.underWay += 1;
    try {
      return await action();
    } finally {
      disk.underWay -= 1;
    }
  }

  function check(offset: number, lengthBytes: number, mostBytes: number): void {
    assert.ok(lengthBytes > 0 && lengthBytes <= mostBytes, `a length of ${lengthBytes}`);
    assert.ok(offset >= 0 && offset + lengthBytes <= bytes.length, 'the range is in the disk');
  }

  function extentsOf(offset: number, lengthBytes: number): Extent[] {
    const extents: Extent[] = [];
    const end = offset + lengthBytes;
    for (let at = offset; at < end;) {
      const block = Math.floor(at / blockBytes);
      const blockEnd = Math.min(end, (block + 1) * blockBytes);
      const content = bytes.subarray(block * blockBytes, (block + 1) * blockBytes);
      extents.push({
        lengthBytes: blockEnd - at,
        isZero: content.equals(zeros.subarray(0, content.length)),
      });
      at = blockEnd;
    }
    return extents;
  }

  return disk;
}

export interface MemoryExports extends Exports {
  /** Every disk that was opened, in order. */
  readonly opened: MemoryDisk[];
}

/** Exports whose disks are made anew at each opening. */
export function memoryExports(disks: Readonly<Record<string, () => MemoryDisk>>): MemoryExports {
  const opened: MemoryDisk[] = [];
  return {
    opened,
    names: () => Object.keys(disks),
    open: (name) => {
      const disk = disks[name]?.();
      if (disk !== undefined) opened.push(disk);
      return Promise.resolve(disk);
    },
  };
}

/** Data, then a hole, then data that does not fill its block, in blocks of 4 KiB. */
export function sampleBytes(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 4) {
    // Every third block of 64 KiB is a hole.
    if (Math.floor(at / 65_536) % 3 !== 1) {
      bytes.writeUInt32LE((at * 2_654_435_761) % 2 ** 32, Math.min(at, sizeBytes - 4));
    }
  }
  return bytes;
}
