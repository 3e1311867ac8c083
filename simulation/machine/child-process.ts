/** Stands for `node:child_process` in simulated processes, whose hosts have no program but `sync`. */
import { EventEmitter } from 'node:events';
import { asAskedAt, placeOfCall } from '../points.ts';
import { systemError } from './disk.ts';
import { beforeEffect, currentProcess, post } from './process.ts';

/** What a sync of a whole file system takes at most, on a disk as it usually is. */
const SYNC_MS = 20;

export function spawn(command: string, words: readonly string[] = []): EventEmitter {
  const child = Object.assign(new EventEmitter(), {
    stdin: undefined,
    stdout: undefined,
    stderr: undefined,
    pid: undefined,
    kill: () => false,
  });
  const process = currentProcess();
  if (command === 'sync' && words[0] === '--file-system' && process.host.hasSync) syncAll(child);
  else post(process, 0, () => child.emit('error', systemError('ENOENT', 'spawn', command)));
  return child;
}

/** What was written before it began is durable when it ends; of what came later nobody knows. */
function syncAll(child: EventEmitter): void {
  const process = currentProcess();
  const { host, machine } = process;
  const { dice } = machine;
  const place = placeOfCall();
  const finish = host.disk.beginSync();
  post(process, (dice.below(100) / 100) * SYNC_MS * host.diskSlowness, () => {
    asAskedAt(place, () => beforeEffect('sync file system'));
    const isFailing = host.failingSyncs > 0;
    if (isFailing) host.failingSyncs -= 1;
    child.emit('close', finish(isFailing ? dice : undefined) ? 0 : 1);
  });
}
