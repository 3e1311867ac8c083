import type { DirectoryNode, FileNode } from './disk.ts';
import { systemError } from './disk.ts';
import { currentProcess, type Process } from './process.ts';

/** A file or directory that a process has open. */
export interface OpenFile {
  readonly node: FileNode | DirectoryNode;
  readonly process: Process;
  readonly appends: boolean;
  position: number;
}

/** Numbers are not used again: a descriptor that is used after its end is found out. */
const FIRST_DESCRIPTOR = 1000;

/** What is open in all processes of the simulation that runs. */
const open = new Map<number, OpenFile>();
let next = FIRST_DESCRIPTOR;

export function addOpenFile(node: OpenFile['node'], appends: boolean): number {
  const process = currentProcess();
  const fd = next;
  next += 1;
  open.set(fd, { node, process, appends, position: 0 });
  process.onEnd.add(() => open.delete(fd));
  return fd;
}

/** @throws `EBADF` for a descriptor that is not open, or another process's */
export function openFileOf(fd: number, call: string): OpenFile {
  const found = open.get(fd);
  if (found === undefined || found.process !== currentProcess()) throw systemError('EBADF', call);
  return found;
}

export function removeOpenFile(fd: number): void {
  openFileOf(fd, 'close');
  open.delete(fd);
}

/** Forgets everything: another simulation begins. */
export function clearOpenFiles(): void {
  open.clear();
  next = FIRST_DESCRIPTOR;
}
