/** Stands for `node:child_process` in simulated processes, whose hosts have no other programs. */
import { EventEmitter } from 'node:events';
import { systemError } from './disk.ts';
import { currentProcess, post } from './process.ts';

export function spawn(command: string): EventEmitter {
  const child = Object.assign(new EventEmitter(), {
    stdin: undefined,
    stdout: undefined,
    stderr: undefined,
    pid: undefined,
    kill: () => false,
  });
  post(currentProcess(), 0, () => child.emit('error', systemError('ENOENT', 'spawn', command)));
  return child;
}
