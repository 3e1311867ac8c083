import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KgetError } from '../base/error.ts';
import { storeFailure } from '../content/room.ts';
import { takeLock } from '../store/lock.ts';
import { isRunning } from '../store/process-identity.ts';

/**
 * Takes a job for this process, to drive it, until the lock is disposed of. Of a process that is
 * gone it is taken over. It says nothing about other hosts.
 * @throws KgetError `locked` if another process drives it, `target-unwritable`, `no-room`
 */
export function lockJob(directory: string, job: string): Disposable {
  const lock = lockPath(directory);
  try {
    takeLock(
      lock,
      (pid) =>
        new KgetError(
          'locked',
          `Cannot take up the job ${job}: process ${pid} drives it; ` +
            `kgetplus job show ${job} tells how far it is`,
        ),
    );
  } catch (error) {
    throw storeFailure(error, { title: 'the lock of a job', directory, neededBytes: 0 });
  }
  return { [Symbol.dispose]: () => rmSync(lock, { force: true }) };
}

/** The id of the process on this host that drives a job; null if there is none. */
export function jobDriver(directory: string): number | null {
  try {
    const owner = readFileSync(lockPath(directory), 'utf8');
    return isRunning(owner) ? Number(owner.split(' ')[0]) : null;
  } catch {
    return null;
  }
}

function lockPath(directory: string): string {
  return join(directory, 'lock');
}
