import type { Disk, Exports } from './disk.ts';
import { MAX_STRING_BYTES } from './limits.ts';

/** A disk that is in use until it is released. */
export interface DiskUse {
  /** The name that the disk was opened by, also if the client gave none. */
  readonly name: string;
  readonly disk: Disk;
  release(): void;
}

export interface DiskUses {
  /** Those that clients are told. */
  names(): readonly string[];
  /**
   * A further use of the disk that a client calls `name`; no name stands for the only one.
   * `undefined` if there is none, or it cannot be opened.
   */
  use(name: string): Promise<DiskUse | undefined>;
  /** Resolves when all disks are closed that were to be closed. */
  closed(): Promise<void>;
}

interface OpenDisk {
  users: number;
  readonly disk: Promise<Disk | undefined>;
}

export interface DiskUsesOptions {
  readonly exports: Exports;
  readonly onNotice: (text: string) => void;
}

/** Opens each disk once for all who use it, and closes it when the last one has released it. */
export function countUses({ exports, onNotice }: DiskUsesOptions): DiskUses {
  const open = new Map<string, OpenDisk>();
  const closing = new Set<Promise<void>>();

  /** A name that the protocol cannot carry is not served. */
  function carried(): readonly string[] {
    return exports.names().filter((name) => Buffer.byteLength(name) <= MAX_STRING_BYTES);
  }

  async function use(wanted: string): Promise<DiskUse | undefined> {
    const all = carried();
    const only = all.length === 1 && exports.areHidden !== true ? all[0] : undefined;
    const name = wanted === '' && !all.includes('') && only !== undefined ? only : wanted;
    if (!all.includes(name)) return undefined;
    const entry = open.get(name) ?? { users: 0, disk: openDisk(name) };
    open.set(name, entry);
    entry.users += 1;
    const disk = await entry.disk;
    let isReleased = false;
    function release(): void {
      if (isReleased) return;
      isReleased = true;
      entry.users -= 1;
      if (entry.users > 0) return;
      open.delete(name);
      if (disk !== undefined) close(name, disk);
    }
    if (disk !== undefined) return { name, disk, release };
    release();
    return undefined;
  }

  async function openDisk(name: string): Promise<Disk | undefined> {
    try {
      return await exports.open(name);
    } catch (error) {
      onNotice(`Cannot open "${name}": ${String(error)}`);
      return undefined;
    }
  }

  function close(name: string, disk: Disk): void {
    const done = disk
      .close()
      .catch((error: unknown) => onNotice(`Cannot close "${name}": ${String(error)}`))
      .finally(() => closing.delete(done));
    closing.add(done);
  }

  async function closed(): Promise<void> {
    await Promise.all(closing);
  }

  const names = (): readonly string[] => (exports.areHidden === true ? [] : carried());
  return { names, use, closed };
}
