/**
 * Stands for `node:fs` in simulated processes: the calls that production code uses, on the disk of
 * the process's host. Calls that wait take virtual time; each change is an effect of its own.
 */
import { constants as realConstants, type NoParamCallback } from 'node:fs';
import { dirname, join } from 'node:path';
import { asAskedAt, placeOfCall } from '../points.ts';
import { type DirectoryNode, type DiskNode, type FileNode, systemError } from './disk.ts';
import { addOpenFile, openFileOf, removeOpenFile } from './open-files.ts';
import { beforeEffect, currentProcess, idOf, post } from './process.ts';

export const constants = realConstants;

const BLOCK_BYTES = 512;
/** What `statfs` says of a disk without limit. */
const AMPLE_BYTES = 2 ** 50;

function disk() {
  return currentProcess().host.disk;
}

function fileOf(fd: number, call: string): FileNode {
  const { node } = openFileOf(fd, call);
  if (node.kind === 'directory') throw systemError('EISDIR', call);
  return node;
}

type Flags = string | number;

function flagsOf(flags: Flags): number {
  if (typeof flags === 'number') return flags;
  const { O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_TRUNC, O_APPEND, O_EXCL } = realConstants;
  const known: Readonly<Record<string, number>> = {
    r: O_RDONLY,
    'r+': O_RDWR,
    w: O_WRONLY | O_CREAT | O_TRUNC,
    wx: O_WRONLY | O_CREAT | O_EXCL,
    'w+': O_RDWR | O_CREAT | O_TRUNC,
    a: O_WRONLY | O_CREAT | O_APPEND,
    'a+': O_RDWR | O_CREAT | O_APPEND,
  };
  const bits = known[flags];
  if (bits === undefined) throw new Error(`flags ${flags} are not simulated`);
  return bits;
}

export function openSync(path: string, flags: Flags = 'r', mode = 0o666): number {
  const bits = flagsOf(flags);
  const { O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY } = realConstants;
  let node = disk().find(path);
  if (node !== undefined && (bits & O_CREAT) !== 0 && (bits & O_EXCL) !== 0) {
    throw systemError('EEXIST', 'open', path);
  }
  if (node === undefined) {
    if ((bits & O_CREAT) === 0) throw systemError('ENOENT', 'open', path);
    beforeEffect(`create ${path}`);
    node = disk().createFile(path, mode);
  } else if ((bits & O_TRUNC) !== 0 && node.kind === 'file' && node.content.length > 0) {
    beforeEffect(`truncate ${path}`);
    disk().resize(node, 0);
  }
  if ((bits & O_DIRECTORY) !== 0 && node.kind !== 'directory') {
    throw systemError('ENOTDIR', 'open', path);
  }
  return addOpenFile(node, (bits & O_APPEND) !== 0);
}

export function closeSync(fd: number): void {
  removeOpenFile(fd);
}

export function readSync(
  fd: number,
  into: Uint8Array,
  from: number,
  length: number,
  position: number | null,
): number {
  const file = openFileOf(fd, 'read');
  const { content } = fileOf(fd, 'read');
  const start = position ?? file.position;
  const bytes = content.subarray(start, start + length);
  into.set(bytes, from);
  const { host } = file.process;
  if (host.flippedReads > 0 && bytes.length >= 512) {
    host.flippedReads -= 1;
    // Each at another place: two that were alike would look like the truth.
    const at = from + (host.flips % bytes.length);
    host.flips += 1;
    into[at] = (into[at] ?? 0) ^ 1;
  }
  if (position === null) file.position += bytes.length;
  return bytes.length;
}

export function readvSync(fd: number, pieces: readonly Uint8Array[], position: number): number {
  let done = 0;
  for (const piece of pieces) {
    const count = readSync(fd, piece, 0, piece.length, position + done);
    done += count;
    if (count < piece.length) break;
  }
  return done;
}

export function writeSync(
  fd: number,
  data: Uint8Array | string,
  from: number | null = 0,
  length?: number,
  position?: number | null,
): number {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const start = from ?? 0;
  return writeAt(fd, bytes.subarray(start, start + (length ?? bytes.length - start)), position);
}

function writeAt(fd: number, bytes: Uint8Array, position?: number | null): number {
  const descriptor = openFileOf(fd, 'write');
  const file = fileOf(fd, 'write');
  beforeEffect('write');
  const at = descriptor.appends ? file.content.length : (position ?? descriptor.position);
  const written = disk().write(file, bytes, at);
  if (position === undefined || position === null) descriptor.position = at + written;
  return written;
}

export function ftruncateSync(fd: number, sizeBytes = 0): void {
  const file = fileOf(fd, 'ftruncate');
  if (file.content.length === sizeBytes) return;
  beforeEffect('resize');
  disk().resize(file, sizeBytes);
}

function syncNode(fd: number, call: string): void {
  const { node } = openFileOf(fd, call);
  const { host } = beforeEffect(`sync ${node.kind}`);
  if (host.failingSyncs > 0 && node.kind === 'file') {
    host.failingSyncs -= 1;
    host.disk.failSync(node);
    throw systemError('EIO', call);
  }
  host.disk.sync(node);
  // As Linux does since 4.16: whoever syncs a file first after an error is told of it.
  if (node.kind === 'directory' || !node.hasUnseenError) return;
  node.hasUnseenError = false;
  throw systemError('EIO', call);
}

export function fsyncSync(fd: number): void {
  syncNode(fd, 'fsync');
}

export function fdatasyncSync(fd: number): void {
  syncNode(fd, 'fdatasync');
}

/** Looks at most a disk's usual time later; a sync takes longer. */
const CALL_MS = 0.3;
export const SYNC_MS = 8;

/** Does something on the disk after a while, and tells the process. */
function later<T>(
  usualMs: number,
  action: () => T,
  done: (error: Error | null, value?: T) => void,
) {
  const process = currentProcess();
  const { dice } = process.machine;
  const place = placeOfCall();
  const durationMs = (usualMs * (1 + dice.below(100)) * process.host.diskSlowness) / 100;
  post(process, durationMs, () => {
    let value: T;
    try {
      value = asAskedAt(place, action);
    } catch (error) {
      if (process.state === 'running') done(error as Error);
      return;
    }
    done(null, value);
  });
}

/** As a promise, for `node:fs/promises`. */
export function soon<T>(action: () => T, usualMs = CALL_MS): Promise<T> {
  return new Promise((resolve, reject) => {
    later(usualMs, action, (error, value) => {
      if (error === null) resolve(value as T);
      else reject(error);
    });
  });
}

type Opened = (error: Error | null, fd?: number) => void;

export function open(path: string, flags: Flags, ...rest: [Opened] | [number, Opened]): void {
  const done = rest.length === 1 ? rest[0] : rest[1];
  const mode = rest.length === 1 ? 0o666 : rest[0];
  later(CALL_MS, () => openSync(path, flags, mode), done);
}

export function close(fd: number, done: NoParamCallback): void {
  later(CALL_MS, () => closeSync(fd), done);
}

export function fsync(fd: number, done: NoParamCallback): void {
  later(SYNC_MS, () => fsyncSync(fd), done);
}

export function fdatasync(fd: number, done: NoParamCallback): void {
  later(SYNC_MS, () => fdatasyncSync(fd), done);
}

export function writev(
  fd: number,
  pieces: readonly Uint8Array[],
  position: number,
  done: (error: Error | null, written?: number) => void,
): void {
  later(CALL_MS, () => writeAt(fd, Buffer.concat(pieces), position), done);
}

export function renameSync(from: string, to: string): void {
  disk().resolve(from);
  beforeEffect(`rename ${to}`);
  disk().rename(from, to);
}

export function linkSync(from: string, to: string): void {
  const node = disk().resolve(from);
  beforeEffect(`link ${to}`);
  disk().link(node, to);
}

export function unlinkSync(path: string): void {
  rmSync(path);
}

export function rmSync(
  path: string,
  { force = false, recursive = false }: { force?: boolean; recursive?: boolean } = {},
): void {
  const node = disk().find(path);
  if (node === undefined) {
    if (force) return;
    throw systemError('ENOENT', 'rm', path);
  }
  if (node.kind === 'directory') {
    if (!recursive) throw systemError('ERR_FS_EISDIR', 'rm', path);
    for (const name of node.entries.keys()) rmSync(join(path, name), { force, recursive });
  }
  beforeEffect(`remove ${path}`);
  disk().remove(path);
}

export function rmdirSync(path: string): void {
  if (disk().resolve(path).kind !== 'directory') throw systemError('ENOTDIR', 'rmdir', path);
  beforeEffect(`remove ${path}`);
  disk().remove(path);
}

export function mkdirSync(
  path: string,
  { mode = 0o777, recursive = false }: { mode?: number; recursive?: boolean } = {},
): void {
  if (recursive) {
    if (disk().find(path)?.kind === 'directory') return;
    if (disk().find(dirname(path)) === undefined) mkdirSync(dirname(path), { mode, recursive });
  }
  if (disk().find(path) !== undefined) throw systemError('EEXIST', 'mkdir', path);
  beforeEffect(`mkdir ${path}`);
  disk().makeDirectory(path, mode);
}

export function chmodSync(path: string, mode: number): void {
  disk().resolve(path).mode = mode;
}

export function existsSync(path: string): boolean {
  return disk().find(path) !== undefined;
}

export function accessSync(path: string): void {
  disk().resolve(path);
}

export function realpathSync(path: string): string {
  disk().resolve(path);
  return join('/', path);
}

export function readdirSync(path: string, options?: { withFileTypes?: false }): string[];
export function readdirSync(path: string, options: { withFileTypes: true }): SimulatedEntry[];
export function readdirSync(
  path: string,
  { withFileTypes = false }: { withFileTypes?: boolean } = {},
): string[] | SimulatedEntry[] {
  const { entries } = directoryAt(path, 'scandir');
  const found = [...entries].toSorted(([one], [other]) => (one < other ? -1 : 1));
  if (!withFileTypes) return found.map(([name]) => name);
  return found.map(([name, node]) => entryOf(path, name, node));
}

function directoryAt(path: string, call: string): DirectoryNode {
  const node = disk().resolve(path);
  if (node.kind !== 'directory') throw systemError('ENOTDIR', call, path);
  return node;
}

/** What production code asks of a `Dirent`. */
interface SimulatedEntry {
  readonly name: string;
  readonly parentPath: string;
  isDirectory(): boolean;
  isFile(): boolean;
  isSymbolicLink(): boolean;
}

function entryOf(parentPath: string, name: string, node: DiskNode): SimulatedEntry {
  return {
    name,
    parentPath,
    isDirectory: () => node.kind === 'directory',
    isFile: () => node.kind === 'file',
    isSymbolicLink: () => false,
  };
}

export function readFileSync(
  path: string,
  encoding?: 'utf8' | { encoding: 'utf8' },
): string | Buffer {
  const id = /^\/proc\/(\d+)\/stat$/.exec(path)?.[1];
  if (id !== undefined) return statOfProcess(Number(id));
  const node = disk().resolve(path);
  if (node.kind === 'directory') throw systemError('EISDIR', 'read', path);
  return encoding === undefined ? Buffer.from(node.content) : node.content.toString('utf8');
}

/** What proc(5) says of a process of this host. */
function statOfProcess(id: number): string {
  const found = [...currentProcess().host.processes].find((process) => idOf(process) === id);
  if (found === undefined) throw systemError('ENOENT', 'open', `/proc/${id}/stat`);
  const fields = Array.from({ length: 30 }, (_, at) => (at === 18 ? found.startTime : 0));
  return `${id} (node) S ${fields.join(' ')}`;
}

interface WriteOptions {
  readonly mode?: number;
  readonly flag?: string;
  /** Whether the bytes are synced. */
  readonly flush?: boolean;
}

export function writeFileSync(
  path: string,
  data: string | Uint8Array,
  { mode = 0o666, flag = 'w', flush = false }: WriteOptions = {},
): void {
  const fd = openSync(path, flag, mode);
  try {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
    if (flush) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

interface StatOptions {
  readonly bigint?: boolean;
  readonly throwIfNoEntry?: boolean;
}

export function statSync(path: string, options: StatOptions = {}): SimulatedStat | undefined {
  if (options.throwIfNoEntry === false && disk().find(path) === undefined) return undefined;
  return statOf(disk().resolve(path), options);
}

export function lstatSync(path: string, options: StatOptions = {}): SimulatedStat | undefined {
  return statSync(path, options);
}

export function fstatSync(fd: number, options: StatOptions = {}): SimulatedStat {
  return statOf(openFileOf(fd, 'fstat').node, options);
}

/** What production code asks of `Stats`, and of `BigIntStats` if it asked for these. */
export type SimulatedStat = ReturnType<typeof statOf>;

function statOf(node: DiskNode, { bigint = false }: StatOptions) {
  const number = (value: number): number => (bigint ? (BigInt(value) as unknown as number) : value);
  const sizeBytes = node.kind === 'file' ? node.content.length : 4096;
  const blocks = node.kind === 'file' ? (node.pages.size * 4096) / BLOCK_BYTES : 8;
  return {
    dev: number(1),
    ino: number(node.inode),
    mode: number(node.mode),
    uid: number(process.getuid?.() ?? 0),
    nlink: number(1),
    size: number(sizeBytes),
    blocks: number(blocks),
    mtimeMs: number(Math.floor(node.modifiedMs)),
    mtimeNs: BigInt(Math.floor(node.modifiedMs * 1e6)),
    isFile: () => node.kind === 'file',
    isDirectory: () => node.kind === 'directory',
    isSymbolicLink: () => false,
    isSocket: () => false,
  };
}

export function statfsSync(path: string): { bavail: number; bsize: number } {
  disk().resolve(path);
  return { bavail: Math.min(disk().freeBytes(), AMPLE_BYTES) / BLOCK_BYTES, bsize: BLOCK_BYTES };
}

export function readlinkSync(path: string): string {
  throw systemError('EINVAL', 'readlink', dirname(path));
}

/** What production code asks of a `Dir`. */
interface SimulatedListing {
  readSync(): SimulatedEntry | null;
  closeSync(): void;
}

export function opendirSync(path: string): SimulatedListing {
  const entries = readdirSync(path, { withFileTypes: true });
  return { readSync: () => entries.shift() ?? null, closeSync: () => {} };
}

/** Paths below `cwd` that match a pattern, of which `*` is all that is simulated. */
export function globSync(pattern: string, { cwd }: { cwd: string }): string[] {
  let found = [''];
  for (const part of pattern.split('/')) {
    const name = new RegExp(`^(?!\\.)${part.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
    found = found.flatMap((path) => {
      const directory = disk().find(join(cwd, path));
      if (directory?.kind !== 'directory') return [];
      const names = [...directory.entries.keys()].filter((it) => name.test(it));
      return names.map((it) => join(path, it));
    });
  }
  return found.toSorted();
}

export async function* createReadStream(path: string): AsyncGenerator<Buffer> {
  yield await soon(() => Buffer.from(readFileSync(path)));
}
