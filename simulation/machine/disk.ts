import type { Dice } from '../../fuzz/dice.ts';

const PAGE_BYTES = 4096;
/** What a disk writes whole, or not at all. */
const SECTOR_BYTES = 512;

/** A file or directory of a simulated disk, whatever its names are. */
export type DiskNode = FileNode | DirectoryNode;

export interface FileNode {
  readonly kind: 'file';
  readonly inode: number;
  mode: number;
  modifiedMs: number;
  /** What readers see. */
  content: Buffer;
  /** Pages that take room. */
  readonly pages: Set<number>;
  /** What is there after a loss of power, if all of `pending` is lost. */
  durable: Buffer;
  /** Changes since, in their order. */
  pending: FileChange[];
  /** Whether a sync of the whole disk has lost something of it, and nobody was told yet. */
  hasUnseenError: boolean;
}

type FileChange =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'resize'; readonly sizeBytes: number };

export interface DirectoryNode {
  readonly kind: 'directory';
  readonly inode: number;
  mode: number;
  modifiedMs: number;
  readonly entries: Map<string, DiskNode>;
  readonly durable: Map<string, DiskNode>;
  pending: EntryChange[];
}

interface EntryChange {
  readonly name: string;
  /** Undefined if the name goes. */
  readonly node: DiskNode | undefined;
  /** Changes of one step become durable together. */
  readonly step: number;
}

/** What a loss of power may leave of what was not synced. */
export interface PowerLoss {
  readonly dice: Dice;
  /** Of 100 changes that were not synced, how many survive. */
  readonly survivingPercent: number;
}

/**
 * A disk as POSIX promises it and no better: what was not synced may be there, or not, or in part,
 * after a loss of power, in any order; names are synced by their directory.
 */
export interface Disk {
  readonly root: DirectoryNode;
  /** How much room there is in all; it may change. */
  capacityBytes: number;
  usedBytes(): number;
  freeBytes(): number;
  /** @throws the system's errors: `ENOENT`, `ENOTDIR` */
  resolve(path: string): DiskNode;
  find(path: string): DiskNode | undefined;
  /** What a loss of power in this moment would leave under `path` in the worst case. */
  findDurable(path: string): DiskNode | undefined;
  /** All that a loss of power in this moment may leave under `path`; undefined is nothing. */
  outcomesAt(path: string): ReadonlySet<DiskNode | undefined>;
  createFile(path: string, mode: number): FileNode;
  makeDirectory(path: string, mode: number): DirectoryNode;
  link(node: DiskNode, path: string): void;
  remove(path: string): void;
  rename(from: string, to: string): void;
  /** @throws `ENOSPC`; what had room is written */
  write(file: FileNode, bytes: Uint8Array, offset: number): number;
  resize(file: FileNode, sizeBytes: number): void;
  sync(node: DiskNode): void;
  /**
   * Begins to sync all that is pending now. What is returned ends that; if it is given dice, and
   * there was something to sync, it fails for one file, and returns false.
   */
  beginSync(): (failing?: Dice) => boolean;
  /** A sync that fails: what was to be synced never will be, although readers see it. */
  failSync(node: DiskNode): void;
  losePower(loss: PowerLoss): void;
  /** Told of each name that changes. */
  onName: (change: 'made' | 'renamed' | 'removed', path: string) => void;
}

/** An error of the operating system. */
export function systemError(code: string, call: string, path?: string): Error {
  const place = path === undefined ? '' : ` '${path}'`;
  return Object.assign(new Error(`${code}: simulated, ${call}${place}`), {
    code,
    syscall: call,
    path,
  });
}

export function createDisk(options: { readonly capacityBytes: number; nowMs(): number }): Disk {
  const { nowMs } = options;
  let inodes = 1;
  let steps = 0;
  const root = newDirectory(0o755);

  function newDirectory(mode: number): DirectoryNode {
    inodes += 1;
    return {
      kind: 'directory',
      inode: inodes,
      mode,
      modifiedMs: nowMs(),
      entries: new Map(),
      durable: new Map(),
      pending: [],
    };
  }
  function walk(path: string, view: 'entries' | 'durable'): DiskNode | undefined {
    let at: DiskNode | undefined = root;
    for (const name of namesOf(path)) {
      if (at?.kind !== 'directory') return undefined;
      at = at[view].get(name);
    }
    return at;
  }
  function parentOf(path: string, call: string): { directory: DirectoryNode; name: string } {
    const names = namesOf(path);
    const name = names.pop() ?? '';
    const directory = walk(`/${names.join('/')}`, 'entries');
    if (directory === undefined) throw systemError('ENOENT', call, path);
    if (directory.kind !== 'directory') throw systemError('ENOTDIR', call, path);
    return { directory, name };
  }
  function change(directory: DirectoryNode, entry: EntryChange): void {
    if (entry.node === undefined) directory.entries.delete(entry.name);
    else directory.entries.set(entry.name, entry.node);
    directory.pending.push(entry);
    directory.modifiedMs = nowMs();
  }
  function enter(path: string, node: DiskNode, call: string): void {
    const { directory, name } = parentOf(path, call);
    if (directory.entries.has(name)) throw systemError('EEXIST', call, path);
    steps += 1;
    change(directory, { name, node, step: steps });
    disk.onName('made', path);
  }

  const disk: Disk = {
    root,
    capacityBytes: options.capacityBytes,
    usedBytes: () => usedBytes(root, new Set()),
    freeBytes: () =>
      disk.capacityBytes === Infinity
        ? Infinity
        : Math.max(0, disk.capacityBytes - usedBytes(root, new Set())),
    resolve(path) {
      const node = walk(path, 'entries');
      if (node === undefined) throw systemError('ENOENT', 'stat', path);
      return node;
    },
    find: (path) => walk(path, 'entries'),
    findDurable(path) {
      let at: DiskNode | undefined = root;
      for (const name of namesOf(path)) {
        if (at?.kind !== 'directory') return undefined;
        // Whatever is under way with a name may happen, or not.
        if (at.pending.some((entry) => entry.name === name)) return undefined;
        at = at.durable.get(name);
      }
      return at;
    },
    outcomesAt(path) {
      let found = new Set<DiskNode | undefined>([root]);
      for (const name of namesOf(path)) found = new Set([...found].flatMap(outcomesIn(name)));
      return found;
    },
    createFile(path, mode) {
      inodes += 1;
      const file: FileNode = {
        kind: 'file',
        inode: inodes,
        mode,
        modifiedMs: nowMs(),
        content: Buffer.alloc(0),
        pages: new Set(),
        durable: Buffer.alloc(0),
        pending: [],
        hasUnseenError: false,
      };
      enter(path, file, 'open');
      return file;
    },
    makeDirectory(path, mode) {
      const directory = newDirectory(mode);
      enter(path, directory, 'mkdir');
      return directory;
    },
    link: (node, path) => enter(path, node, 'link'),
    remove(path) {
      const { directory, name } = parentOf(path, 'unlink');
      const node = directory.entries.get(name);
      if (node === undefined) throw systemError('ENOENT', 'unlink', path);
      if (node.kind === 'directory' && node.entries.size > 0) {
        throw systemError('ENOTEMPTY', 'rmdir', path);
      }
      steps += 1;
      change(directory, { name, node: undefined, step: steps });
      disk.onName('removed', path);
    },
    rename(from, to) {
      const source = parentOf(from, 'rename');
      const target = parentOf(to, 'rename');
      const node = source.directory.entries.get(source.name);
      if (node === undefined) throw systemError('ENOENT', 'rename', from);
      if (target.directory.entries.get(target.name) === node) return;
      steps += 1;
      change(target.directory, { name: target.name, node, step: steps });
      change(source.directory, { name: source.name, node: undefined, step: steps });
      disk.onName('renamed', to);
    },
    write(file, bytes, offset) {
      const firstPage = Math.floor(offset / PAGE_BYTES);
      const endPage = Math.ceil((offset + bytes.length) / PAGE_BYTES);
      let room = disk.freeBytes();
      let page = firstPage;
      for (; page < endPage; page += 1) {
        if (file.pages.has(page)) continue;
        if (room < PAGE_BYTES) break;
        room -= PAGE_BYTES;
        file.pages.add(page);
      }
      const length = Math.min(bytes.length, page * PAGE_BYTES - offset);
      if (length <= 0 && bytes.length > 0) throw systemError('ENOSPC', 'write');
      const written = Buffer.from(bytes.subarray(0, length));
      file.content = applyTo(file.content, { kind: 'write', offset, bytes: written });
      file.pending.push({ kind: 'write', offset, bytes: written });
      file.modifiedMs = nowMs();
      return length;
    },
    resize(file, sizeBytes) {
      if (file.content.length === sizeBytes) return;
      file.content = applyTo(file.content, { kind: 'resize', sizeBytes });
      for (const page of file.pages) if (page * PAGE_BYTES >= sizeBytes) file.pages.delete(page);
      file.pending.push({ kind: 'resize', sizeBytes });
      file.modifiedMs = nowMs();
    },
    sync(node) {
      const last = node.pending.at(-1);
      if (last !== undefined) syncUpTo(node, last);
    },
    beginSync() {
      const marks = new Map<DiskNode, FileChange | EntryChange>();
      for (const node of nodesBelow(root)) {
        const last = node.pending.at(-1);
        if (last !== undefined) marks.set(node, last);
      }
      return (failing) => {
        const files = [...marks.keys()].filter((node) => node.kind === 'file');
        const lost = failing === undefined || files.length === 0 ? undefined : failing.pick(files);
        for (const [node, last] of marks) {
          if (node !== lost) syncUpTo(node, last);
        }
        if (lost === undefined) return true;
        disk.failSync(lost);
        lost.hasUnseenError = true;
        return false;
      };
    },
    failSync(node) {
      if (node.kind === 'file') node.pending = [];
    },
    losePower({ dice, survivingPercent }) {
      const survives = new Map<number, boolean>();
      const chance = (): boolean => dice.below(100) < survivingPercent;
      const survivesStep = (step: number): boolean => {
        const known = survives.get(step) ?? chance();
        survives.set(step, known);
        return known;
      };
      restart(root, { dice, chance, survivesStep }, new Set());
    },
    onName: () => {},
  };
  return disk;
}

interface Restart {
  readonly dice: Dice;
  chance(): boolean;
  survivesStep(step: number): boolean;
}

function restart(node: DiskNode, loss: Restart, seen: Set<DiskNode>): void {
  if (seen.has(node)) return;
  seen.add(node);
  if (node.kind === 'file') {
    for (const pending of node.pending) {
      if (loss.chance()) node.durable = applyTo(node.durable, torn(pending, loss.dice));
    }
    node.content = Buffer.from(node.durable);
    node.pages.clear();
    for (let page = 0; page * PAGE_BYTES < node.content.length; page += 1) {
      const bytes = node.content.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
      if (bytes.some((byte) => byte !== 0)) node.pages.add(page);
    }
  } else {
    for (const entry of node.pending) {
      if (loss.survivesStep(entry.step)) settle(node.durable, entry);
    }
    node.entries.clear();
    for (const [name, child] of node.durable) {
      node.entries.set(name, child);
      restart(child, loss, seen);
    }
  }
  node.pending = [];
}

/** Makes what is pending durable, up to and with `last`, if that still is. */
function syncUpTo(node: DiskNode, last: FileChange | EntryChange): void {
  if (node.kind === 'file') {
    const count = node.pending.findIndex((change) => change === last) + 1;
    for (const change of node.pending.slice(0, count)) node.durable = applyTo(node.durable, change);
    node.pending = node.pending.slice(count);
  } else {
    const count = node.pending.findIndex((change) => change === last) + 1;
    for (const entry of node.pending.slice(0, count)) settle(node.durable, entry);
    node.pending = node.pending.slice(count);
  }
}

/** What may be under a name in a directory, which may not be there itself. */
function outcomesIn(name: string): (directory: DiskNode | undefined) => (DiskNode | undefined)[] {
  return (directory) => {
    if (directory?.kind !== 'directory') return [undefined];
    const pending = directory.pending.filter((entry) => entry.name === name);
    return [directory.durable.get(name), ...pending.map(({ node }) => node)];
  };
}

/** A node and all below it, each once. */
function nodesBelow(node: DiskNode, seen = new Set<DiskNode>()): Set<DiskNode> {
  if (seen.has(node)) return seen;
  seen.add(node);
  if (node.kind === 'directory') {
    for (const child of node.entries.values()) nodesBelow(child, seen);
  }
  return seen;
}

/** A write of which only some sectors reached the disk, now and then. */
function torn(change: FileChange, dice: Dice): FileChange {
  if (change.kind === 'resize' || !dice.oneIn(4)) return change;
  const sectors = dice.below(Math.ceil(change.bytes.length / SECTOR_BYTES) + 1);
  return { ...change, bytes: change.bytes.subarray(0, sectors * SECTOR_BYTES) };
}

function settle(entries: Map<string, DiskNode>, { name, node }: EntryChange): void {
  if (node === undefined) entries.delete(name);
  else entries.set(name, node);
}

function applyTo(content: Buffer, change: FileChange): Buffer {
  const sizeBytes =
    change.kind === 'resize'
      ? change.sizeBytes
      : Math.max(content.length, change.offset + change.bytes.length);
  let result = content;
  if (sizeBytes !== content.length) {
    result = Buffer.alloc(sizeBytes);
    content.copy(result, 0, 0, Math.min(sizeBytes, content.length));
  }
  if (change.kind === 'write') change.bytes.copy(result, change.offset);
  return result;
}

function usedBytes(node: DiskNode, seen: Set<DiskNode>): number {
  if (seen.has(node)) return 0;
  seen.add(node);
  if (node.kind === 'file') return node.pages.size * PAGE_BYTES;
  let sum = 0;
  for (const child of node.entries.values()) sum += usedBytes(child, seen);
  return sum;
}

function namesOf(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..') names.pop();
    else names.push(name);
  }
  return names;
}
